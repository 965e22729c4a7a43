/** The Maintenance service. */

import type { Message } from "@bufbuild/protobuf";
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ReadCall, ReplicaHeader } from "../../engine/replica-api.ts";
import { type Query, QuerySchema } from "../../wire/gen/edged_pb.ts";
import {
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmRequestSchema,
  type AlarmResponse,
  AlarmResponseSchema,
  AuthUserListRequestSchema,
  AuthUserListResponseSchema,
  DefragmentRequestSchema,
  type DefragmentResponse,
  DefragmentResponseSchema,
  type HashKVRequest,
  HashKVRequestSchema,
  type HashKVResponse,
  HashKVResponseSchema,
  HashRequestSchema,
  HashResponseSchema,
  type MoveLeaderRequest,
  MoveLeaderRequestSchema,
  type MoveLeaderResponse,
  MoveLeaderResponseSchema,
  type ResponseHeader,
  ResponseHeaderSchema,
  StatusRequestSchema,
  type StatusResponse,
  StatusResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { completeCommand, encodeBody } from "../commands.ts";
import { hashHistory } from "../hash-history.ts";
import { ETCD_VERSION } from "../version.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { unary, type V3Method } from "./method.ts";
import { inAuthWords, rejectedRequest, unansweredRequest, type V3Refusal } from "./refusal.ts";
import { SNAPSHOT } from "./snapshot.ts";

/** Methods by their path below `/v3/`. */
export const MAINTENANCE_METHODS: Readonly<Record<string, V3Method>> = {
  "maintenance/alarm": unary(AlarmRequestSchema, AlarmResponseSchema, alarm),
  "maintenance/status": unary(StatusRequestSchema, StatusResponseSchema, status),
  "maintenance/defragment": unary(DefragmentRequestSchema, DefragmentResponseSchema, defragment),
  "maintenance/hash": unary(HashRequestSchema, HashResponseSchema, async (call) =>
    hashKv({ ...call, request: create(HashKVRequestSchema) }, ({ header, hash }) =>
      create(HashResponseSchema, { ...(header === undefined ? {} : { header }), hash }),
    ),
  ),
  "maintenance/hashkv": unary(HashKVRequestSchema, HashKVResponseSchema, (call) =>
    hashKv(call, (answer) => answer),
  ),
  "maintenance/snapshot": SNAPSHOT,
  "maintenance/transfer-leadership": unary(MoveLeaderRequestSchema, MoveLeaderResponseSchema, moveLeader),
};

async function alarm(call: V3Call<AlarmRequest>): Promise<V3Outcome<AlarmResponse>> {
  const { request, services, choice, hasDeadline, operationId, mayRepeat } = call;
  if (request.action === AlarmRequest_AlarmAction.GET) {
    return ask(call, { case: "alarmList", value: request }, AlarmResponseSchema, "linearizable");
  }
  const body = encodeBody({ case: "alarm", value: request });
  const outcome = await services.router.propose(choice, {
    operationId,
    encode: (id, seen) => completeCommand(body, id, seen),
    mayRepeat,
  });
  switch (outcome.kind) {
    case "applied":
      return {
        kind: "answered",
        message: fromBinary(AlarmResponseSchema, outcome.response),
        origin: outcome.header,
      };
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

/** Of whichever replica answers, as it stands: it need not be up to date. */
async function status(call: V3Call<unknown>): Promise<V3Outcome<StatusResponse>> {
  const query = { case: "status", value: create(StatusRequestSchema) } as const;
  let outcome = await ask(call, query, StatusResponseSchema, "serializable");
  if (outcome.kind === "answered" && outcome.origin.term === 0) {
    // A cluster that was just made: how it stands is known once it has a leader.
    outcome = await ask(call, query, StatusResponseSchema, "linearizable");
  }
  if (outcome.kind === "answered" && call.choice.pin === null) {
    // One address stands for all members: clients look for the one that leads.
    const { leader, member } = outcome.origin;
    if (leader !== null && leader !== member) {
      const choice = { ...call.choice, prefer: leader };
      const better = await ask({ ...call, choice }, query, StatusResponseSchema, "serializable");
      if (better.kind === "answered") outcome = better;
    }
  }
  if (outcome.kind === "answered") {
    outcome.message.header = wholeHeader(outcome.origin);
    outcome.message.version = ETCD_VERSION;
  }
  return outcome;
}

/** The platform keeps no free pages that could be given back. The answer is that of a replica that is there. */
async function defragment(call: V3Call<unknown>): Promise<V3Outcome<DefragmentResponse>> {
  const outcome = (await requireRoot(call)) ?? (await status(call));
  return outcome.kind === "answered"
    ? { ...outcome, message: create(DefragmentResponseSchema) }
    : inAuthWords(outcome);
}

/** What only root may ask, asked for the sake of the refusal; null where there is none. */
async function requireRoot(call: V3Call<unknown>): Promise<V3Refusal | null> {
  const query = { case: "userList", value: create(AuthUserListRequestSchema) } as const;
  const outcome = await ask(call, query, AuthUserListResponseSchema, "linearizable");
  return outcome.kind === "refused" ? outcome : null;
}

async function hashKv<Answer>(
  { request, services, choice, hasDeadline }: V3Call<HashKVRequest>,
  answer: (hashed: HashKVResponse) => Answer,
): Promise<V3Outcome<Answer>> {
  const outcome = await hashHistory(services.router, choice, request.revision);
  switch (outcome.kind) {
    case "hashed": {
      const { hash, revision, compactRevision, header } = outcome;
      const message = create(HashKVResponseSchema, {
        header: wholeHeader(header),
        hash,
        compactRevision: BigInt(compactRevision),
        hashRevision: BigInt(revision),
      });
      return { kind: "answered", message: answer(message), origin: header };
    }
    case "rejected":
      return inAuthWords(rejectedRequest(outcome));
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

function moveLeader(call: V3Call<MoveLeaderRequest>): Promise<V3Outcome<MoveLeaderResponse>> {
  return ask(call, { case: "moveLeader", value: call.request }, MoveLeaderResponseSchema, "leader");
}

async function ask<Answer extends Message>(
  { services, choice, hasDeadline }: V3Call<unknown>,
  request: Query["request"],
  schema: GenMessage<Answer>,
  consistency: ReadCall["consistency"],
): Promise<V3Outcome<MessageShape<GenMessage<Answer>>>> {
  const outcome = await services.router.query(choice, {
    request: toBinary(QuerySchema, create(QuerySchema, { request })),
    consistency,
    minRevision: 0,
  });
  switch (outcome.kind) {
    case "answer":
      return { kind: "answered", message: fromBinary(schema, outcome.response), origin: outcome.header };
    case "rejected":
      return rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}

function wholeHeader({ clusterId, memberId, revision, term }: ReplicaHeader): ResponseHeader {
  return create(ResponseHeaderSchema, {
    clusterId: BigInt(`0x${clusterId}`),
    memberId: BigInt(`0x${memberId}`),
    revision: BigInt(revision),
    raftTerm: BigInt(term),
  });
}
