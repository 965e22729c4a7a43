/** What the services do with the replicas: propose a command, ask a query, complete the answer's header. */
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { LIMITS } from "../../base/limits.ts";
import type { ReadCall, ReplicaHeader } from "../../engine/replica-api.ts";
import { isMemberRequest, isTooLarge, validateCommand } from "../../mvcc/validate.ts";
import { type Query, QuerySchema } from "../../wire/gen/edged_pb.ts";
import { type ResponseHeader, ResponseHeaderSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import { type CommandRequest, completeCommand, encodeBody } from "../commands.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { refusedFor, rejectedRequest, unansweredRequest } from "./refusal.ts";

/** Answers with a header, which most have. */
type Answered = Message & { header?: ResponseHeader | undefined };

/** Structure is judged before size, size before anything that depends on the store. */
export async function write<Answer extends Answered>(
  call: V3Call<unknown>,
  request: CommandRequest,
  schema: GenMessage<Answer>,
): Promise<V3Outcome<Answer>> {
  const { services, choice, hasDeadline, operationId, mayRepeat } = call;
  const body = encodeBody(request);
  const error = validateCommand(body.command);
  if (error !== null) return refusedFor(error);
  if (isTooLarge(body.command, body.bytes.length)) return refusedFor("requestTooLarge");
  const outcome = await services.router.propose(choice, {
    operationId,
    encode: (id, seen) => completeCommand(body, id, seen),
    // What only the leader can see of members is told as it is: the log would not refuse it.
    mayRepeat: mayRepeat && !isMemberRequest(body.command.request),
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
export function answered<Answer extends Answered>(message: Answer, origin: ReplicaHeader): V3Outcome<Answer> {
  message.header = create(ResponseHeaderSchema, {
    clusterId: BigInt(`0x${origin.clusterId}`),
    memberId: BigInt(`0x${origin.memberId}`),
    revision: message.header?.revision ?? BigInt(origin.revision),
    raftTerm: BigInt(origin.term),
  });
  return { kind: "answered", message, origin };
}

/** Asks for something that is not a key. */
export async function query<Answer extends Answered>(
  call: V3Call<unknown>,
  request: Query["request"],
  consistency: ReadCall["consistency"],
  schema: GenMessage<Answer>,
): Promise<V3Outcome<Answer>> {
  const { services, choice, hasDeadline } = call;
  const outcome = await services.router.query(choice, {
    request: toBinary(QuerySchema, create(QuerySchema, { request })),
    consistency,
    minRevision: 0,
  });
  switch (outcome.kind) {
    case "answer":
      return answered(fromBinary(schema, outcome.response), outcome.header);
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}
