/** The KV service. */
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { LIMITS } from "../../base/limits.ts";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { isReadOnly, isTooLarge, validateCommand, validateRange } from "../../mvcc/validate.ts";
import {
  CompactionRequestSchema,
  CompactionResponseSchema,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  type RangeRequest,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
  type RequestOp,
  type ResponseHeader,
  ResponseHeaderSchema,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { type CommandRequest, completeCommand, encodeBody } from "../commands.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { unary, type V3Method } from "./method.ts";
import { refusedFor, rejectedRequest, unansweredRequest } from "./refusal.ts";

/** Methods by their path below `/v3/`. */
export const KV_METHODS: Readonly<Record<string, V3Method>> = {
  "kv/range": unary(RangeRequestSchema, RangeResponseSchema, range),
  "kv/put": unary(PutRequestSchema, PutResponseSchema, (call) =>
    write(call, { case: "put", value: call.request }, PutResponseSchema),
  ),
  "kv/deleterange": unary(DeleteRangeRequestSchema, DeleteRangeResponseSchema, (call) =>
    write(call, { case: "deleteRange", value: call.request }, DeleteRangeResponseSchema),
  ),
  "kv/txn": unary(TxnRequestSchema, TxnResponseSchema, txn),
  "kv/compaction": unary(CompactionRequestSchema, CompactionResponseSchema, (call) =>
    write(call, { case: "compaction", value: call.request }, CompactionResponseSchema),
  ),
};

/** The answers of this service all have a header. */
type KvAnswer = Message & { header?: ResponseHeader | undefined };

async function range(call: V3Call<RangeRequest>): Promise<V3Outcome<RangeResponse>> {
  const { request, services, choice, hasDeadline } = call;
  const error = validateRange(request);
  if (error !== null) return refusedFor(error);
  const outcome = await services.router.range(choice, {
    request: toBinary(RangeRequestSchema, request),
    consistency: request.serializable ? "serializable" : "linearizable",
    minRevision: 0,
  });
  switch (outcome.kind) {
    case "range":
      return answered(fromBinary(RangeResponseSchema, outcome.response), outcome.header);
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

function txn(call: V3Call<TxnRequest>): Promise<V3Outcome<TxnResponse>> {
  const { request } = call;
  return isReadOnly(request)
    ? readTxn(call)
    : write(call, { case: "txn", value: request }, TxnResponseSchema);
}

async function readTxn(call: V3Call<TxnRequest>): Promise<V3Outcome<TxnResponse>> {
  const { request, services, choice, hasDeadline } = call;
  const error = validateCommand(encodeBody({ case: "txn", value: request }).command);
  if (error !== null) return refusedFor(error);
  const outcome = await services.router.readTxn(choice, {
    request: toBinary(TxnRequestSchema, request),
    consistency: isSerializable(request) ? "serializable" : "linearizable",
    minRevision: 0,
  });
  switch (outcome.kind) {
    case "txn":
      return answered(fromBinary(TxnResponseSchema, outcome.response), outcome.header);
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

/** If all that is read may be old. Compares alone are linearizable: nobody has said that they need not be. */
function isSerializable({ success, failure }: TxnRequest): boolean {
  const operations: readonly RequestOp[] = [...success, ...failure];
  return (
    operations.length > 0 &&
    operations.every(({ request }) => request.case === "requestRange" && request.value.serializable)
  );
}

/** Structure is judged before size, size before anything that depends on the store. */
async function write<Answer extends KvAnswer>(
  call: V3Call<unknown>,
  request: CommandRequest,
  schema: GenMessage<Answer>,
): Promise<V3Outcome<Answer>> {
  const { services, choice, hasDeadline, operationId } = call;
  const body = encodeBody(request);
  const error = validateCommand(body.command);
  if (error !== null) return refusedFor(error);
  if (isTooLarge(body.command, body.bytes.length)) return refusedFor("requestTooLarge");
  const outcome = await services.router.propose(choice, {
    operationId,
    encode: (id, seen) => completeCommand(body, id, seen),
  });
  switch (outcome.kind) {
    case "applied": {
      // It was applied, and what it answered is lost: etcd has no other word for that.
      if (!outcome.complete) return refusedFor("timeout", outcome.header);
      const recursionLimit = LIMITS.messageDepthMax;
      return answered(fromBinary(schema, outcome.response, { recursionLimit }), outcome.header);
    }
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

/** `message` with a whole header. Its revision is the one that the store told with the answer. */
function answered<Answer extends KvAnswer>(message: Answer, origin: ReplicaHeader): V3Outcome<Answer> {
  message.header = create(ResponseHeaderSchema, {
    clusterId: BigInt(`0x${origin.clusterId}`),
    memberId: BigInt(`0x${origin.memberId}`),
    revision: message.header?.revision ?? BigInt(origin.revision),
    raftTerm: BigInt(origin.term),
  });
  return { kind: "answered", message, origin };
}
