/**
 * What a replica answers to the gateway and to other replicas, as plain data that survives a call
 * between objects. Every outcome is a value: errors thrown across such a call lose their fields.
 * 64-bit ids are strings of 16 hex digits here; revisions, terms and indexes are safe integers.
 */

/** Which replica a call is meant for. A replica that is somebody else refuses it. */
export interface ReplicaTarget {
  /** Cluster name; the one at the root is "default". */
  readonly cluster: string;
  /** Member name, as in INITIAL_CLUSTER. */
  readonly member: string;
  /** Of a member that was added later: names may come again, ids do not. */
  readonly id?: string;
}

/** Where a member's object is: all that is needed to call it. */
export interface MemberPlace {
  /** 16 hex digits. */
  readonly id: string;
  readonly name: string;
  /** One of the first members: its object's name has no id in it. */
  readonly isFounder: boolean;
  readonly hint: string;
  readonly binding: string;
  /** A voter that has started: clients are not sent to others, which may be far behind. */
  readonly serves: boolean;
}

/** What a call to the member is addressed to. */
export function targetOf(cluster: string, { id, name, isFounder }: MemberPlace): ReplicaTarget {
  return isFounder ? { cluster, member: name } : { cluster, member: name, id };
}

/** Where the answering replica stands; on every answer, so that callers learn the leader in passing. */
export interface ReplicaHeader {
  readonly clusterId: string;
  readonly memberId: string;
  readonly member: string;
  /** Store revision of the answering replica (a write's own revision for an applied write). */
  readonly revision: number;
  readonly term: number;
  /** Name of the leader as far as this replica knows. */
  readonly leader: string | null;
  /** Applied writes so far; sent back as `seen` with the next operation (see Command.seen). */
  readonly sequence: number;
  /** Counts the changes of members that this replica knows of; 0: the first ones. */
  readonly membership: number;
  /** Told by a former member: who the members were when it was removed. */
  readonly successors?: readonly MemberPlace[];
}

/** Why a replica could not serve. `reason` is stable, `message` is for people. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly reason:
    | "no-leader" // nobody leads, or the leader cannot be reached: try again
    | "not-leader" // asked not to forward, or leadership moved meanwhile
    | "timeout" // the deadline passed
    | "overloaded" // a bounded queue is full: slow down
    | "stopped" // this replica halted or refuses to serve (wrong identity, wiped, broken invariant)
    | "superseded"; // the operation id is too old to decide: it may or may not have been applied
  readonly message: string;
  /** True when a write may nevertheless take effect. Never reported to a client as "failed". */
  readonly unknownOutcome: boolean;
  readonly header: ReplicaHeader | null;
}

/** A deterministic refusal by the state machine: every replica would answer the same. */
export interface Rejected {
  readonly kind: "rejected";
  /** Key of the error table in src/wire/errors.ts, for instance "keyNotFound". */
  readonly error: string;
  readonly header: ReplicaHeader;
}

export interface ProposeRequest {
  /** An encoded `edged.Command` (src/wire). */
  readonly command: Uint8Array;
  /** False when the caller is itself a replica: a write is forwarded at most once. */
  readonly mayForward: boolean;
  /** How long the caller waits, in milliseconds. The replica answers before that. */
  readonly timeoutMs: number;
  /**
   * An earlier attempt may be on its way: only the log can tell what becomes of the operation, and a
   * refusal must be written there too. Without it an alarm refuses before anything is written.
   */
  readonly throughLog?: boolean;
  /** Whoever asks has signed in with it, as its digest; none is nobody in particular. Not read from replicas. */
  readonly token?: string | null;
}

export type ProposeReply =
  | {
      readonly kind: "applied";
      readonly header: ReplicaHeader;
      /** Log index of the entry that carried the command. */
      readonly index: number;
      /** The encoded etcd response of the command's kind, its `header` holding only a revision. */
      readonly response: Uint8Array;
      /** False when the answer was too long to be remembered for a retry: applied, body lost. */
      readonly complete: boolean;
    }
  | Rejected
  | Unavailable;

/** A read: an encoded request, and how fresh its answer must be. */
export interface ReadCall {
  /** An encoded `etcdserverpb.RangeRequest`; `TxnRequest` for a transaction, `edged.Query` for a query. */
  readonly request: Uint8Array;
  /**
   * "linearizable" asks the leader for a read index first; "serializable" answers at once; "leader" is
   * answered by the leader alone, after a quorum confirmed that it still leads.
   */
  readonly consistency: "linearizable" | "serializable" | "leader";
  /**
   * Of a linearizable read: it may miss what was acknowledged less than so many milliseconds, by the
   * replica's clock, before the replica begins to answer. One that knows its state to be no older
   * answers at once.
   */
  readonly maxStalenessMs?: number;
  /** Wait until the store has this revision (read your writes anywhere); 0 for no wait. */
  readonly minRevision: number;
  readonly timeoutMs: number;
  /** As in a write. */
  readonly token?: string | null;
}

export interface RangeCall extends ReadCall {
  /** False: a page cut by its limit counts only itself, so that paging does not walk all further keys each time. */
  readonly counted?: boolean;
  /** True: an answer in key order may be cut at `LIMITS.pageBytesMax`, and tells where it was. */
  readonly paged?: boolean;
}

export type RangeReply =
  | {
      readonly kind: "range";
      readonly header: ReplicaHeader;
      /** An encoded `etcdserverpb.RangeResponse`, its `header` holding only a revision. */
      readonly response: Uint8Array;
      /** Of a page that was cut: where the rest begins. Its `count` is of the keys before that. */
      readonly next?: Uint8Array;
    }
  | Rejected
  | Unavailable;

/** One of several reads whose answers would be too much for one call: it has to be asked alone. */
export interface AskAlone {
  readonly kind: "alone";
}

export type ReadTxnReply =
  | {
      readonly kind: "txn";
      readonly header: ReplicaHeader;
      /** An encoded `etcdserverpb.TxnResponse`, its `header` holding only a revision. */
      readonly response: Uint8Array;
    }
  | Rejected
  | Unavailable;

export type QueryReply =
  | {
      readonly kind: "answer";
      readonly header: ReplicaHeader;
      /** The encoded etcd response of the query's kind, without header. */
      readonly response: Uint8Array;
    }
  | Rejected
  | Unavailable;

/** A place in the store's history: before the change at place `sub` of `revision`. */
export interface HistoryPosition {
  readonly revision: number;
  readonly sub: number;
}

/** Keys that are watched, and which of their changes are wanted. */
export interface WatchRange {
  readonly key: Uint8Array;
  /** etcd's rule: none is the single key, one zero byte is open, else the exclusive end. */
  readonly rangeEnd: Uint8Array;
  /** The first change wanted; may be yet to come. */
  readonly from: HistoryPosition;
  /** Leave out puts, or deletions. */
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** Tell the pair that each change replaced. */
  readonly prevKv: boolean;
}

/**
 * Asks for the changes of some ranges from some positions on. A replica keeps nothing from one call
 * to the next: whoever watches asks again from where the last answer ended, here or elsewhere.
 */
export interface WatchCall {
  /** Who asks: a call that waits takes the place of an earlier one of the same stream. */
  readonly stream: string;
  /** None: only the header is wanted. */
  readonly ranges: readonly WatchRange[];
  /** How much must be applied before anything is answered, as for a read. */
  readonly consistency: "linearizable" | "serializable";
  readonly minRevision: number;
  /** For the freshness alone. */
  readonly timeoutMs: number;
  /** How long to wait for a change after that; 0 to answer at once. */
  readonly waitMs: number;
  /** Bytes of events in one answer; one revision alone may be cut at this size. */
  readonly bytesMax: number;
  /** As in a write. */
  readonly token?: string | null;
}

/** A range that may not be watched by whoever asks, or not any more. */
export interface WatchRefusal {
  /** Its place in the call. */
  readonly place: number;
  /** Key of the error table in src/wire/errors.ts. */
  readonly error: string;
}

export interface WatchEvent {
  readonly at: HistoryPosition;
  /** The ranges it belongs to, by their place in the call. */
  readonly ranges: readonly number[];
  /** An encoded `mvccpb.Event` without the previous pair. */
  readonly event: Uint8Array;
  /** An encoded `mvccpb.KeyValue`; null where there was none, where it is compacted, or if nobody asked. */
  readonly prevKv: Uint8Array | null;
}

export type WatchReply =
  | {
      readonly kind: "watched";
      readonly header: ReplicaHeader;
      /** In the order of history; whole revisions, but for one that `next` cuts. */
      readonly events: readonly WatchEvent[];
      /**
       * Every wanted change before it is in this answer. Never beyond what the replica has applied:
       * it may be behind the positions asked from.
       */
      readonly next: HistoryPosition;
      /** The ranges, by their place, whose position is compacted: nothing is told of them. */
      readonly compacted: readonly number[];
      readonly compactRevision: number;
      /** Nothing is told of these either. */
      readonly refused?: readonly WatchRefusal[];
      /** Users are asked for: what is watched must be permitted. */
      readonly isGuarded?: boolean;
    }
  | Unavailable;

/** The group as one replica sees it. */
export interface StatusReply {
  readonly kind: "status";
  readonly header: ReplicaHeader;
  readonly role: "follower" | "pre-candidate" | "candidate" | "leader" | "learner" | "stopped";
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly databaseBytes: number;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  /** Where all members are, voters and learners, as this replica's records have them. */
  readonly members: readonly MemberPlace[];
  /** Known to the leader only: how far each member's log matches, and when it was last heard. */
  readonly peers: readonly PeerStatus[];
  /** Nothing is expected to happen: no timer runs until somebody asks for something. */
  readonly isAsleep: boolean;
  /** Why the replica stopped or refuses to serve; null while it is well. */
  readonly stopped: string | null;
  readonly counters: StatusCounters;
}

/** What monitoring asks for. Counts are of this instance, which forgets them with its memory. */
export interface StatusCounters {
  /** Times that another leader was seen. */
  readonly leaderChanges: number;
  /** Writes that wait for their answer. */
  readonly proposalsPending: number;
  /** Writes that were answered with something else than an outcome. */
  readonly proposalsFailed: number;
  /** Reads that wait for their answer. */
  readonly readsPending: number;
  readonly compactRevision: number;
  /** Active alarms, as etcd names their kinds: "NOSPACE", "CORRUPT". */
  readonly alarms: readonly string[];
}

export interface PeerStatus {
  readonly member: string;
  readonly match: number;
  readonly state: "probe" | "replicate" | "snapshot";
  /** Milliseconds since the leader last heard the member; null if never in this term. */
  readonly heardMsAgo: number | null;
}

/** The calls of a replica. Each is bounded in time. How its Durable Object exposes them is the transport's matter. */
export interface ReplicaApi {
  propose(target: ReplicaTarget, request: ProposeRequest): Promise<ProposeReply>;
  range(target: ReplicaTarget, call: RangeCall): Promise<RangeReply>;
  /**
   * Writes that came together, each decided as if it came alone; their answers in the same order, when
   * the last of them is there.
   */
  proposeMany(target: ReplicaTarget, requests: readonly ProposeRequest[]): Promise<readonly ProposeReply[]>;
  /** The same for reads. */
  rangeMany(target: ReplicaTarget, calls: readonly RangeCall[]): Promise<readonly (RangeReply | AskAlone)[]>;
  /** Answers a transaction that only reads, without a log entry. */
  readTxn(target: ReplicaTarget, call: ReadCall): Promise<ReadTxnReply>;
  /** Answers an encoded `edged.Query`: a read of what is not a key. */
  query(target: ReplicaTarget, call: ReadCall): Promise<QueryReply>;
  /** Answers with changes of the watched ranges as soon as there are any, or that there were none. */
  watch(target: ReplicaTarget, call: WatchCall): Promise<WatchReply>;
  status(target: ReplicaTarget): Promise<StatusReply | Unavailable>;
}
