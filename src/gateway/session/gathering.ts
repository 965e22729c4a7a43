/** The calls of one session to replicas: those that may share one do, and all are counted. */
import type {
  AskAlone,
  ProposeReply,
  ProposeRequest,
  RangeCall,
  RangeReply,
  ReplicaApi,
  ReplicaTarget,
} from "../../engine/replica-api.ts";
import { withDeadline } from "../../transport/deadline.ts";
import { replicaObjectName } from "../../transport/object-name.ts";
import { releaseResult } from "../../transport/rpc-result.ts";
import type { Clock } from "../ports.ts";
import { replicaTimeoutMs } from "../replica-timeout.ts";
import { Gatherer } from "./gatherer.ts";

/** The calls that may share one. They end in time, and throw what the platform throws. */
export interface GatheredCalls {
  propose(request: ProposeRequest): Promise<ProposeReply>;
  range(call: RangeCall): Promise<RangeReply>;
}

/** How a gateway's calls to replicas are made. */
export interface CallWays {
  /** Notes each use of what `connect` makes. */
  counted(connect: () => ReplicaApi): () => ReplicaApi;
  /** Null: each call by itself. */
  to(target: ReplicaTarget, connect: () => ReplicaApi): GatheredCalls | null;
}

/** A replica of an earlier version, in a deployment that is upgraded one replica at a time. */
const UNKNOWN_METHOD = /does not implement/i;

/** The platform's words when a request has made as many calls as its plan allows. */
const NO_MORE_CALLS = /subrequests/i;

export class Gathering implements CallWays {
  readonly #clock: Clock;
  readonly #byObject = new Map<string, GatheredCalls>();
  #calls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls made to replicas so far; above all bounds once the platform allows no more. */
  get calls(): number {
    return this.#calls;
  }

  /** The same count, each call by itself: for those that may take long, on which no others should wait. */
  get apart(): CallWays {
    return { counted: (connect) => this.counted(connect), to: () => null };
  }

  counted(connect: () => ReplicaApi): () => ReplicaApi {
    return () => {
      this.#calls += 1;
      return connect();
    };
  }

  to(target: ReplicaTarget, connect: () => ReplicaApi): GatheredCalls {
    const name = replicaObjectName(target);
    const known = this.#byObject.get(name);
    if (known !== undefined) return known;
    const calls = this.#create(target, connect);
    this.#byObject.set(name, calls);
    return calls;
  }

  #create(target: ReplicaTarget, connect: () => ReplicaApi): GatheredCalls {
    const clock = this.#clock;
    const writes = new Gatherer<ProposeRequest, ProposeReply>({
      clock,
      bytesOf: ({ command }) => command.length,
      send: (requests, timeoutMs) =>
        this.#together(
          withTime(requests, timeoutMs),
          (request) => connect().propose(target, request),
          (all) => connect().proposeMany(target, all),
        ),
    });
    const reads = (): Gatherer<RangeCall, RangeReply | AskAlone> =>
      new Gatherer({
        clock,
        bytesOf: ({ request }) => request.length,
        send: (calls, timeoutMs) =>
          this.#together(
            withTime(calls, timeoutMs),
            (call) => connect().range(target, call),
            (all) => connect().rangeMany(target, all),
          ),
      });
    // What is answered at once does not wait for what asks a quorum.
    const [linearizable, serializable] = [reads(), reads()];
    return {
      propose: (request) => writes.add(request),
      range: async (call) => {
        const lane = call.consistency === "serializable" ? serializable : linearizable;
        const reply = await lane.add(call);
        if (reply.kind !== "alone") return reply;
        const [again] = withTime([call], call.timeoutMs);
        return withDeadline(connect().range(target, again ?? call), call.timeoutMs);
      },
    };
  }

  async #together<Call, Reply>(
    calls: readonly Call[],
    alone: (call: Call) => Promise<Reply>,
    many: (calls: readonly Call[]) => Promise<readonly Reply[]>,
  ): Promise<readonly Reply[]> {
    const one = async (call: Call): Promise<Reply> => releaseResult(await alone(call));
    const [only] = calls;
    try {
      return calls.length === 1 && only !== undefined ? [await one(only)] : await many(calls);
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      if (NO_MORE_CALLS.test(message)) this.#calls = Number.POSITIVE_INFINITY;
      if (calls.length > 1 && UNKNOWN_METHOD.test(message)) return Promise.all(calls.map(one));
      throw error;
    }
  }
}

/** Calls as the replica is told them. */
function withTime<Call extends { readonly timeoutMs: number }>(
  calls: readonly Call[],
  timeoutMs: number,
): readonly Call[] {
  return calls.map((call) => ({ ...call, timeoutMs: replicaTimeoutMs(timeoutMs) }));
}
