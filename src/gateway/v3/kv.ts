/** The KV service. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { isReadOnly, validateCommand, validateRange } from "../../mvcc/validate.ts";
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
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { encodeBody } from "../commands.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { answered, write } from "./exchange.ts";
import { unary, type V3Method } from "./method.ts";
import { printRange } from "./range-printer.ts";
import { refusedFor, rejectedRequest, unansweredRequest } from "./refusal.ts";

/** Methods by their path below `/v3/`. */
export const KV_METHODS: Readonly<Record<string, V3Method>> = {
  "kv/range": { ...unary(RangeRequestSchema, RangeResponseSchema, range), print: printRange },
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

export async function range(call: V3Call<RangeRequest>): Promise<V3Outcome<RangeResponse>> {
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

export function txn(call: V3Call<TxnRequest>): Promise<V3Outcome<TxnResponse>> {
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
