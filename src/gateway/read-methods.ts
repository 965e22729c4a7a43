/** The kinds of reads as the router sees them. They are made once: a request makes no functions of its own. */
import type {
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../engine/replica-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Distances } from "./distances.ts";
import type { ReplicaClient } from "./ports.ts";

export interface ReadMethod<Call, Reply> {
  /** Of a cluster that never had a leader, old state is not told. */
  readonly readsKeys: boolean;
  /** How near the members are for such a call; null where that does not matter. */
  readonly distances: (view: ClusterView, call: Call) => Distances | null;
  /** `token`: who asks, as its digest. */
  readonly ask: (
    replica: ReplicaClient,
    call: Call,
    timeoutMs: number,
    token: string | null,
  ) => Promise<Reply | Unavailable>;
}

/** A call before it is known how much time there is for an attempt. */
export type Timeless<Call> = Omit<Call, "timeoutMs">;

export const RANGE: ReadMethod<Timeless<RangeCall>, Exclude<RangeReply, Unavailable>> = {
  readsKeys: true,
  distances: keyDistances,
  ask: (replica, call, timeoutMs, token) => replica.range({ ...call, token, timeoutMs }),
};

export const READ_TXN: ReadMethod<Timeless<ReadCall>, Exclude<ReadTxnReply, Unavailable>> = {
  readsKeys: true,
  distances: keyDistances,
  ask: (replica, call, timeoutMs, token) => replica.readTxn({ ...call, token, timeoutMs }),
};

export const QUERY: ReadMethod<Timeless<ReadCall>, Exclude<QueryReply, Unavailable>> = {
  readsKeys: false,
  distances: (view, { consistency }) => (consistency === "leader" ? null : view.distances[consistency]),
  ask: (replica, call, timeoutMs, token) => replica.query({ ...call, token, timeoutMs }),
};

export const WATCH: ReadMethod<Timeless<WatchCall>, Exclude<WatchReply, Unavailable>> = {
  readsKeys: false,
  distances: () => null,
  ask: (replica, call, timeoutMs, token) => replica.watch({ ...call, token, timeoutMs }),
};

function keyDistances(
  { distances }: ClusterView,
  { consistency, maxStalenessMs }: Timeless<ReadCall>,
): Distances | null {
  if (consistency === "leader") return null;
  return consistency === "linearizable" && maxStalenessMs !== undefined
    ? distances.bounded
    : distances[consistency];
}
