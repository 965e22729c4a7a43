/** A clock that is moved by sleeping, scripted replicas, and a store small enough to be obviously right. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { compareBytes, equalBytes, toHex } from "../../src/base/bytes.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { type Config, type Env, parseConfig } from "../../src/durable/config.ts";
import type {
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  ReplicaHeader,
  StatusReply,
  Unavailable,
  WatchReply,
} from "../../src/engine/replica-api.ts";
import { createApp } from "../../src/gateway/app.ts";
import type { Clock, Entropy, ReplicaClient, ReplicaDirectory } from "../../src/gateway/ports.ts";
import { CommandSchema, QuerySchema } from "../../src/wire/gen/edged_pb.ts";
import { type KeyValue, KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import {
  type Compare,
  Compare_CompareResult,
  DeleteRangeResponseSchema,
  PutResponseSchema,
  type RangeRequest,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
  ResponseOpSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";

export class FakeClock implements Clock {
  now = 1_000;
  readonly sleeps: number[] = [];

  nowMs(): number {
    return this.now;
  }

  sleep(durationMs: number): Promise<void> {
    this.sleeps.push(durationMs);
    this.now += durationMs;
    return Promise.resolve();
  }
}

/** Chance that is none: `fraction` as set, bytes that count up. */
export class FakeEntropy implements Entropy {
  next = 0;
  #minted = 0;

  fraction(): number {
    return this.next;
  }

  bytes(length: number): Uint8Array {
    this.#minted += 1;
    const bytes = new Uint8Array(length);
    for (let i = length - 1, rest = this.#minted; i >= 0; i -= 1, rest = Math.floor(rest / 256))
      bytes[i] = rest;
    return bytes;
  }
}

export function header(member: string, more: Partial<ReplicaHeader> = {}): ReplicaHeader {
  return {
    clusterId: "00000000000000c1",
    memberId: `000000000000000${member.slice(1)}`,
    member,
    revision: 1,
    term: 2,
    leader: "r1",
    sequence: 7,
    membership: 0,
    ...more,
  };
}

export function unavailable(
  reason: Unavailable["reason"],
  more: Partial<Omit<Unavailable, "kind" | "reason">> = {},
): Unavailable {
  return {
    kind: "unavailable",
    reason,
    message: `fake: ${reason}`,
    unknownOutcome: false,
    header: null,
    ...more,
  };
}

export function status(member: string, more: Partial<StatusReply> = {}): StatusReply {
  const role = member === "r1" ? "leader" : "follower";
  return {
    kind: "status",
    header: header(member),
    role,
    term: 2,
    commit: 9,
    applied: 9,
    firstIndex: 1,
    lastIndex: 9,
    databaseBytes: 4_096,
    voters: ["r1", "r2", "r3"],
    learners: [],
    peers: [],
    members: [],
    isAsleep: false,
    stopped: null,
    counters: {
      leaderChanges: 1,
      proposalsPending: 0,
      proposalsFailed: 0,
      readsPending: 0,
      compactRevision: -1,
      alarms: [],
    },
    ...more,
  };
}

/** Nothing has happened up to where the replica is. */
export function watched(at: ReplicaHeader): WatchReply {
  const next = { revision: at.revision + 1, sub: 0 };
  return { kind: "watched", header: at, events: [], next, compacted: [], compactRevision: -1 };
}

/** Leaves what fits a page; tells where the rest begins, or null. */
function cutPage(found: RangeResponse): Uint8Array | null {
  let bytes = 0;
  const end = found.kvs.findIndex(({ key, value }, position) => {
    bytes += key.length + value.length;
    return position > 0 && bytes > LIMITS.pageBytesMax;
  });
  const next = found.kvs[end];
  if (next === undefined) return null;
  found.kvs = found.kvs.slice(0, end);
  found.more = true;
  return next.key;
}

/** The parts of a Map-backed, single-copy store that the gateway's commands use. */
export class FakeStore {
  revision = 1;
  sequence = 0;
  kvs: KeyValue[] = [];
  readonly answers = new Map<string, ProposeReply>();
  /** Of each write: whether only the log may refuse it. */
  readonly throughLog: (boolean | undefined)[] = [];

  header(member: string): ReplicaHeader {
    return header(member, { revision: this.revision, sequence: this.sequence });
  }

  propose(member: string, request: ProposeRequest): ProposeReply {
    const command = fromBinary(CommandSchema, request.command);
    this.throughLog.push(request.throughLog);
    const id = toHex(command.opId);
    const remembered = this.answers.get(id);
    if (remembered !== undefined) return remembered;
    this.sequence += 1;
    const response = this.#execute(command.request);
    const reply: ProposeReply = {
      kind: "applied",
      header: this.header(member),
      index: this.sequence,
      response,
      complete: true,
    };
    this.answers.set(id, reply);
    return reply;
  }

  range(member: string, call: RangeCall): RangeReply {
    const request = fromBinary(RangeRequestSchema, call.request);
    if (Number(request.revision) > this.revision) {
      return { kind: "rejected", error: "futureRevision", header: this.header(member) };
    }
    const found = this.#range(request);
    const next = call.paged === true ? cutPage(found) : null;
    const response = toBinary(RangeResponseSchema, found);
    if (response.length > LIMITS.answerBytesMax) {
      return { kind: "rejected", error: "answerTooLarge", header: this.header(member) };
    }
    return { kind: "range", header: this.header(member), response, ...(next === null ? {} : { next }) };
  }

  readTxn(member: string, call: ReadCall): ReadTxnReply {
    const txn = fromBinary(TxnRequestSchema, call.request);
    return { kind: "txn", header: this.header(member), response: this.#execute({ case: "txn", value: txn }) };
  }

  /** It has keys only, and no alarms. */
  query(member: string, call: ReadCall): QueryReply {
    if (fromBinary(QuerySchema, call.request).request.case === "alarmList") {
      return { kind: "answer", header: this.header(member), response: new Uint8Array() };
    }
    return { kind: "rejected", error: "invalidCommand", header: this.header(member) };
  }

  #range(request: RangeRequest) {
    const found = this.#interval(request.key, request.rangeEnd);
    const limit = request.limit > 0n ? Number(request.limit) : found.length;
    const kvs = found.slice(0, limit);
    return create(RangeResponseSchema, {
      ...this.#revisionHeader(),
      kvs: request.keysOnly ? kvs.map((kv) => ({ ...kv, value: new Uint8Array() })) : kvs,
      more: found.length > limit,
      count: BigInt(found.length),
    });
  }

  #interval(key: Uint8Array, rangeEnd: Uint8Array): readonly KeyValue[] {
    if (rangeEnd.length === 0) return this.kvs.filter((kv) => equalBytes(kv.key, key));
    const open = equalBytes(rangeEnd, new Uint8Array([0]));
    return this.kvs.filter(
      (kv) => compareBytes(kv.key, key) >= 0 && (open || compareBytes(kv.key, rangeEnd) < 0),
    );
  }

  #execute(request: ReturnType<typeof fromBinary<typeof CommandSchema>>["request"]): Uint8Array {
    switch (request.case) {
      case "put":
        this.#put(request.value.key, request.value.value);
        return toBinary(PutResponseSchema, create(PutResponseSchema, this.#revisionHeader()));
      case "deleteRange": {
        const deleted = this.#delete(request.value.key, request.value.rangeEnd);
        const response = create(DeleteRangeResponseSchema, { ...this.#revisionHeader(), deleted });
        return toBinary(DeleteRangeResponseSchema, response);
      }
      case "txn": {
        const succeeded = request.value.compare.every((compare) => this.#holds(compare));
        const operations = succeeded ? request.value.success : request.value.failure;
        const responses = operations.map(({ request: operation }) => {
          if (operation.case === "requestPut") {
            this.#put(operation.value.key, operation.value.value);
            return create(ResponseOpSchema, {
              response: { case: "responsePut", value: create(PutResponseSchema) },
            });
          }
          if (operation.case === "requestDeleteRange") {
            const deleted = this.#delete(operation.value.key, operation.value.rangeEnd);
            const value = create(DeleteRangeResponseSchema, { deleted });
            return create(ResponseOpSchema, { response: { case: "responseDeleteRange", value } });
          }
          if (operation.case === "requestRange") {
            const value = this.#range(operation.value);
            return create(ResponseOpSchema, { response: { case: "responseRange", value } });
          }
          throw new Error("not faked");
        });
        const response = create(TxnResponseSchema, { ...this.#revisionHeader(), succeeded, responses });
        return toBinary(TxnResponseSchema, response);
      }
      default:
        throw new Error("not faked");
    }
  }

  #revisionHeader() {
    return { header: { revision: BigInt(this.revision) } };
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    this.revision += 1;
    const before = this.kvs.find((kv) => equalBytes(kv.key, key));
    const after = create(KeyValueSchema, {
      key,
      value,
      modRevision: BigInt(this.revision),
      createRevision: before?.createRevision ?? BigInt(this.revision),
      version: (before?.version ?? 0n) + 1n,
    });
    this.kvs = [...this.kvs.filter((kv) => kv !== before), after].sort((a, b) => compareBytes(a.key, b.key));
  }

  #delete(key: Uint8Array, rangeEnd: Uint8Array): bigint {
    const gone = this.#interval(key, rangeEnd);
    if (gone.length > 0) this.revision += 1;
    this.kvs = this.kvs.filter((kv) => !gone.includes(kv));
    return BigInt(gone.length);
  }

  #holds(compare: Compare): boolean {
    const found = this.#interval(compare.key, new Uint8Array())[0];
    const { targetUnion } = compare;
    const create = targetUnion.case === "createRevision";
    const actual = (create ? found?.createRevision : found?.modRevision) ?? 0n;
    const wanted = create || targetUnion.case === "modRevision" ? targetUnion.value : 0n;
    switch (compare.result) {
      case Compare_CompareResult.EQUAL:
        return actual === wanted;
      case Compare_CompareResult.GREATER:
        return actual > wanted;
      case Compare_CompareResult.NOT_EQUAL:
        return actual !== wanted;
      default:
        throw new Error("not faked");
    }
  }
}

/** Calls made, and what to answer instead of the store. */
export interface FakeReplicas {
  readonly directory: ReplicaDirectory;
  readonly calls: {
    readonly cluster: string;
    readonly member: string;
    readonly method: string;
    readonly call: unknown;
  }[];
  /** Replaces the answers of a member while present. */
  readonly down: Map<string, () => Unavailable>;
}

/** Three members, or as many as there are names, that all serve one store. */
export function fakeReplicas(store: FakeStore): FakeReplicas {
  const calls: FakeReplicas["calls"] = [];
  const down = new Map<string, () => Unavailable>();
  const directory: ReplicaDirectory = (cluster, member): ReplicaClient => {
    const answer = <T>(method: string, call: unknown, reply: () => T): Promise<T | Unavailable> => {
      calls.push({ cluster, member, method, call });
      return Promise.resolve(down.get(member)?.() ?? reply());
    };
    return {
      propose: (request) => answer("propose", request, () => store.propose(member, request)),
      range: (call) => answer("range", call, () => store.range(member, call)),
      readTxn: (call) => answer("readTxn", call, () => store.readTxn(member, call)),
      query: (call) => answer("query", call, () => store.query(member, call)),
      watch: (call) => answer("watch", call, () => watched(store.header(member))),
      status: () => answer("status", null, () => status(member, { header: store.header(member) })),
    };
  };
  return { directory, calls, down };
}

export const ENV: Env = {
  INITIAL_CLUSTER: "r1=enam,r2=weur,r3=apac-ne",
  ALLOW_ANONYMOUS: "true",
  ALLOW_CLUSTER_CREATE: "true",
};

export function testConfig(env: Env = ENV): Config {
  const config = parseConfig(env);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

/** The whole application over one fake store. */
export function testGateway(env: Env = ENV, store: FakeStore = new FakeStore()) {
  const replicas = fakeReplicas(store);
  const clock = new FakeClock();
  const logged: unknown[] = [];
  const { app, fetch } = createApp({
    config: parseConfig(env),
    replicas: () => replicas.directory,
    clock,
    entropy: new FakeEntropy(),
    log: (_message, error) => logged.push(error),
  });
  return { app, fetch, store, replicas, clock, logged };
}
