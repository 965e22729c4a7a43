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
import { replicaObjectName } from "../../transport/object-name.ts";
import { Gatherer } from "./gatherer.ts";

/** The calls that may share one. They throw what the platform throws. */
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

export class Gathering implements CallWays {
  readonly #sleep: (durationMs: number) => Promise<void>;
  readonly #byObject = new Map<string, GatheredCalls>();
  #calls = 0;

  constructor(sleep: (durationMs: number) => Promise<void>) {
    this.#sleep = sleep;
  }

  /** Calls made to replicas so far. */
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
    const sleep = this.#sleep;
    const writes = new Gatherer<ProposeRequest, ProposeReply>({
      sleep,
      bytesOf: ({ command }) => command.length,
      send: (requests) =>
        together(
          requests,
          (request) => connect().propose(target, request),
          () => connect().proposeMany(target, requests),
        ),
    });
    const reads = (): Gatherer<RangeCall, RangeReply | AskAlone> =>
      new Gatherer({
        sleep,
        bytesOf: ({ request }) => request.length,
        send: (calls) =>
          together(
            calls,
            (call) => connect().range(target, call),
            () => connect().rangeMany(target, calls),
          ),
      });
    // What is answered at once does not wait for what asks a quorum.
    const [linearizable, serializable] = [reads(), reads()];
    return {
      propose: (request) => writes.add(request),
      range: async (call) => {
        const lane = call.consistency === "serializable" ? serializable : linearizable;
        const reply = await lane.add(call);
        return reply.kind === "alone" ? connect().range(target, call) : reply;
      },
    };
  }
}

async function together<Call, Reply>(
  calls: readonly Call[],
  alone: (call: Call) => Promise<Reply>,
  many: () => Promise<readonly Reply[]>,
): Promise<readonly Reply[]> {
  const [only] = calls;
  if (calls.length === 1 && only !== undefined) return [await alone(only)];
  try {
    return await many();
  } catch (error) {
    if (!(error instanceof Error && UNKNOWN_METHOD.test(error.message))) throw error;
    return Promise.all(calls.map(alone));
  }
}
