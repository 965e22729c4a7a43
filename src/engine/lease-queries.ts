/**
 * What clients ask of leases: only the leader knows their time, and only once a quorum has confirmed
 * that it leads may it promise any.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { assertNever } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import { err, ok } from "../base/result.ts";
import type { Query } from "../wire/gen/edged_pb.ts";
import {
  LeaseKeepAliveResponseSchema,
  LeaseLeasesResponseSchema,
  type LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { ClientReads, Needs } from "./client-reads.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Lessor, Renewal } from "./lessor.ts";
import type { QueryResult } from "./query-result.ts";
import type { QueryReply, ReadCall, ReplicaHeader } from "./replica-api.ts";
import { queryReply, unavailable } from "./replies.ts";

/** What etcd says of a lease that does not exist. */
const NO_LEASE_TTL = -1n;
const MS_PER_SECOND = 1_000;

type LeaseRequest = Extract<Query["request"], { case: "leaseTimeToLive" | "leaseLeases" | "leaseKeepAlive" }>;

/** The query's request if it is one about leases. */
export function leaseRequestOf({ request }: Query): LeaseRequest | null {
  switch (request.case) {
    case "leaseTimeToLive":
    case "leaseLeases":
    case "leaseKeepAlive":
      return request;
    default:
      return null;
  }
}

export class LeaseQueries {
  readonly #context: EngineContext;
  readonly #reads: ClientReads;
  readonly #lessor: Lessor;

  constructor(context: EngineContext, reads: ClientReads, lessor: Lessor) {
    this.#context = context;
    this.#reads = reads;
    this.#lessor = lessor;
  }

  answer(
    now: number,
    request: LeaseRequest,
    call: ReadCall,
    needs: Needs,
    done: (reply: QueryReply) => void,
  ): void {
    const ofLeader: ReadCall = { ...call, consistency: "leader" };
    if (request.case === "leaseKeepAlive") {
      this.#keepAlive(now, request.value.ID, ofLeader, needs, done);
      return;
    }
    this.#reads.read<QueryReply>(now, ofLeader, needs, done, (header) => {
      switch (request.case) {
        case "leaseTimeToLive":
          return this.#timeToLive(request.value, header);
        case "leaseLeases":
          return this.#leases(header);
        default:
          return assertNever(request, "a query about leases");
      }
    });
  }

  #keepAlive(now: number, id: bigint, call: ReadCall, needs: Needs, done: (reply: QueryReply) => void): void {
    const expiresAt = now + call.timeoutMs;
    // Answered by the read, unless the log has a word in it.
    let isDeferred = false;
    const settle = (reply: QueryReply): void => {
      if (!isDeferred) done(reply);
    };
    this.#reads.read<QueryReply>(now, call, needs, settle, (header) => {
      const renewal = this.#lessor.renew(id);
      if (renewal.kind !== "checkpointed") return renewalReply(id, renewal, header);
      isDeferred = true;
      const accepted = this.#lessor.renewThroughLog(this.#context.now, id, expiresAt, (late) => {
        this.#context.afterTurn(() => done(renewalReply(id, late, this.#context.header())));
      });
      if (accepted) return busy(header);
      isDeferred = false;
      return unavailable("overloaded", "too many writes are waiting; slow down", header);
    });
  }

  #timeToLive({ ID, keys }: LeaseTimeToLiveRequest, header: ReplicaHeader): QueryReply {
    const table = this.#context.machine.leases;
    const record = table.get(ID);
    const leftMs = this.#lessor.remainingMs(ID);
    if (record === null) return answered({ ID, TTL: NO_LEASE_TTL }, header);
    if (leftMs === null) return notReady(header);
    const attached: Uint8Array[] = [];
    let bytes = 0;
    for (const key of keys ? table.keys(ID) : []) {
      bytes += key.length;
      if (bytes > LIMITS.answerBytesMax) return queryReply(err("answerTooLarge"), header);
      attached.push(key);
    }
    const TTL = BigInt(Math.floor(leftMs / MS_PER_SECOND));
    return answered({ ID, TTL, grantedTTL: record.ttl, keys: attached }, header);
  }

  #leases(header: ReplicaHeader): QueryReply {
    const ids = this.#lessor.list();
    if (ids === null) return notReady(header);
    const response = create(LeaseLeasesResponseSchema, { leases: ids.map((ID) => ({ ID })) });
    return queryReply(ok(toBinary(LeaseLeasesResponseSchema, response)), header);
  }
}

function answered(
  fields: {
    readonly ID: bigint;
    readonly TTL: bigint;
    readonly grantedTTL?: bigint;
    readonly keys?: Uint8Array[];
  },
  header: ReplicaHeader,
): QueryReply {
  const response = create(LeaseTimeToLiveResponseSchema, fields);
  return queryReply(ok(toBinary(LeaseTimeToLiveResponseSchema, response)), header);
}

/** `null`: the log did not take the renewal, or nobody knows. */
function renewalReply(id: bigint, renewal: Renewal | null, header: ReplicaHeader): QueryReply {
  switch (renewal?.kind) {
    case "renewed":
      return kept(id, BigInt(renewal.ttlMs / MS_PER_SECOND), header);
    case "unknown":
      return kept(id, 0n, header);
    case "not-leader":
      return unavailable("not-leader", `${header.member} does not lead any more`, header);
    default:
      return busy(header);
  }
}

function kept(ID: bigint, TTL: bigint, header: ReplicaHeader): QueryReply {
  const response = create(LeaseKeepAliveResponseSchema, { ID, TTL });
  const encoded: QueryResult = ok(toBinary(LeaseKeepAliveResponseSchema, response));
  return queryReply(encoded, header);
}

/** Asking again in a moment gives a definite answer. */
function busy(header: ReplicaHeader): QueryReply {
  return unavailable("no-leader", "the lease is about to end, or could not be renewed; ask again", header);
}

function notReady(header: ReplicaHeader): QueryReply {
  return unavailable("no-leader", "the leader is still reading its leases; ask again", header);
}
