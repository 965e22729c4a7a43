/** Observes an election: its leader now, every value that it proclaims, and every leader after it. */
import { create, fromBinary, type Message } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { LIMITS } from "../../../base/limits.ts";
import type { ReplicaHeader, WatchEvent } from "../../../engine/replica-api.ts";
import { GRPC_CODE } from "../../../wire/errors.ts";
import {
  type LeaderRequest,
  LeaderRequestSchema,
  type LeaderResponse,
  LeaderResponseSchema,
} from "../../../wire/gen/etcd/election_pb.ts";
import { Event_EventType, EventSchema, type KeyValue } from "../../../wire/gen/etcd/kv_pb.ts";
import { readBody } from "../../body.ts";
import type { GatewayEnv, Services } from "../../services.ts";
import { answerLines } from "../answer-lines.ts";
import type { V3Call, V3Outcome } from "../call.ts";
import { answered } from "../exchange.ts";
import { grpcTimeoutMs } from "../grpc-timeout.ts";
import { readJsonRequest } from "../json-reader.ts";
import { range } from "../kv.ts";
import { messagesOf, type StreamCall, type StreamMethod } from "../method.ts";
import { openCall } from "../open-call.ts";
import { type Patience, patienceOf } from "../patience.ts";
import {
  aboveReceiveLimit,
  answerRefusal,
  refused,
  unansweredRequest,
  unreadableRequest,
} from "../refusal.ts";
import { firstRequest } from "./candidacy.ts";
import { ChangeWaiter, type Waited, type Wanted } from "./change-waiter.ts";
import { asUnknown, innerCall } from "./inner-call.ts";
import { namePrefix } from "./keys.ts";

export const OBSERVE: StreamMethod = { kind: "stream", handle, answers };

async function handle(c: Context<GatewayEnv>, services: Services, name: string): Promise<Response> {
  const timeoutMs = grpcTimeoutMs(c.req.raw.headers);
  if (!timeoutMs.ok) return answerRefusal(c, refused(GRPC_CODE.invalidArgument, timeoutMs.error));
  const body = await readBody(c.req.raw, LIMITS.jsonBodyBytesMax);
  if (body === null) return answerRefusal(c, aboveReceiveLimit(LIMITS.jsonBodyBytesMax));
  const request = readJsonRequest(LeaderRequestSchema, body);
  if (!request.ok) return answerRefusal(c, unreadableRequest(request.error));
  const call = await openCall(c, services, name, request.value, timeoutMs.value);
  if (!call.ok) return answerRefusal(c, call.error);
  return answerLines(c, LeaderResponseSchema, (signal) =>
    observe(call.value, patienceOf(signal, timeoutMs.value, services.clock)),
  );
}

async function* answers(call: StreamCall<Message>): AsyncGenerator<V3Outcome<Message>, void> {
  const { c, services, name, timeoutMs, signal } = call;
  for await (const request of messagesOf(LeaderRequestSchema, call.requests)) {
    const opened = await openCall(c, services, name, request, timeoutMs);
    if (opened.ok) yield* observe(opened.value, patienceOf(signal, timeoutMs, services.clock));
    else yield opened.error;
    return;
  }
}

/** A leader's pair, as of a revision. */
interface Seen {
  readonly kv: KeyValue;
  readonly revision: number;
  readonly origin: ReplicaHeader;
}

async function* observe(
  call: V3Call<LeaderRequest>,
  patience: Patience,
): AsyncGenerator<V3Outcome<LeaderResponse>, void> {
  const waiter = new ChangeWaiter(call, patience);
  const prefix = namePrefix(call.request.name);
  while (!patience.isOver) {
    const now = await range(innerCall(call, firstRequest(call.request.name)));
    if (now.kind === "refused") {
      yield asUnknown(now);
      return;
    }
    const revision = Number(now.message.header?.revision ?? 0n);
    const [kv] = now.message.kvs;
    let seen: Seen | null = kv === undefined ? null : { kv, revision, origin: now.origin };
    if (seen === null) {
      const put = await until(waiter, { kind: "put-below", prefix }, revision + 1);
      if (put.kind === "failed") yield unansweredRequest(put.failure, call.hasDeadline);
      if (put.kind === "failed" || put.kind === "over") return;
      seen = put.kind === "events" ? seenIn(put.events[0], now.origin) : null;
    }
    if (seen !== null) {
      const end = yield* follow(call, waiter, seen);
      if (end === "ended") return;
    }
  }
}

/** Tells the leader and what becomes of its key, until that is deleted. */
async function* follow(
  call: V3Call<unknown>,
  waiter: ChangeWaiter,
  leader: Seen,
): AsyncGenerator<V3Outcome<LeaderResponse>, "gone" | "ended"> {
  yield outcomeOf(leader);
  for (let from = leader.revision + 1; ; ) {
    const waited = await until(waiter, { kind: "changed", key: leader.kv.key }, from);
    switch (waited.kind) {
      case "failed":
        yield unansweredRequest(waited.failure, call.hasDeadline);
        return "ended";
      case "over":
        return "ended";
      case "unseen":
        return "gone";
      case "events":
        for (const event of waited.events) {
          const seen = seenIn(event, leader.origin);
          if (seen === null) return "gone";
          yield outcomeOf(seen);
        }
        from = waited.revision;
    }
  }
}

async function until(
  waiter: ChangeWaiter,
  wanted: Wanted,
  revision: number,
): Promise<Exclude<Waited, { kind: "nothing" }>> {
  for (let from = revision; ; ) {
    const waited = await waiter.wait([wanted], from);
    if (waited.kind !== "nothing") return waited;
    from = waited.revision;
  }
}

/** What an event leaves; null for a deletion. */
function seenIn(event: WatchEvent | undefined, origin: ReplicaHeader): Seen | null {
  if (event === undefined) return null;
  const { type, kv } = fromBinary(EventSchema, event.event);
  if (type === Event_EventType.DELETE || kv === undefined) return null;
  return { kv, revision: event.at.revision, origin };
}

function outcomeOf({ kv, revision, origin }: Seen): V3Outcome<LeaderResponse> {
  return answered(create(LeaderResponseSchema, { header: { revision: BigInt(revision) }, kv }), origin);
}
