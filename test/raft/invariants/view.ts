/**
 * What the invariants see of a cluster. Small on purpose, so that any host of the core can be
 * checked: the harness of these tests, or a simulator that runs the whole engine.
 */
import type { Message } from "../../../src/raft/message.ts";
import type {
  Configuration,
  ConfigurationAt,
  Entry,
  NodeId,
  Role,
  SnapshotPoint,
} from "../../../src/raft/types.ts";

export interface LogView {
  readonly snapshot: SnapshotPoint;
  readonly last: number;
  /** The entry at `index`; asked only for snapshot.index < index <= last. */
  entry(index: number): Entry;
}

/** What would be there after a crash at this moment. */
export interface DurableView {
  readonly term: number;
  readonly vote: NodeId | null;
  readonly log: LogView;
  readonly commit: number;
  readonly applied: number;
  /** A digest of the state machine's content at `applied`. */
  readonly content: number;
}

/** What a leader knows of one follower, and what it has in flight to it. */
export interface FollowerView {
  readonly id: NodeId;
  readonly match: number;
  readonly next: number;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

export interface BoundsView {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly appendBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly electionMs: number;
}

/** What a running node has in memory, durable or not. */
export interface LiveView {
  readonly role: Role;
  readonly term: number;
  readonly vote: NodeId | null;
  readonly log: LogView;
  readonly commit: number;
  readonly applied: number;
  readonly configuration: Configuration;
  /** The configuration in force at an index from `applied` to the log's end. */
  configurationAt(index: number): ConfigurationAt;
  /** Empty unless leader. */
  readonly followers: readonly FollowerView[];
  /** How long ago one of them was heard, or became one. */
  silentMs(follower: NodeId): number;
  readonly uncommittedBytes: number;
  readonly bounds: BoundsView;
  readonly isAsleep: boolean;
  /** It leads since its start, which found that it had fallen asleep as leader. */
  readonly isResumed: boolean;
  /** True while any of the core's timers is armed, but for the one that looks for members that were away. */
  readonly isTimed: boolean;
}

export interface NodeView {
  readonly id: NodeId;
  /** Counts starts. */
  readonly incarnation: number;
  readonly durable: DurableView;
  /** Null while the node is down. */
  readonly live: LiveView | null;
}

/** A message that left its node for good: nothing the node loses now can take it back. */
export interface Departure {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
}

/** A linearizable read answered to a client. */
export interface ReadAnswer {
  readonly node: NodeId;
  readonly index: number;
  /** State machine's applied index when it was answered. */
  readonly applied: number;
  /** The highest index acknowledged to any client before the read was asked for. */
  readonly floor: number;
}

/** A write acknowledged to a client. */
export interface WriteAnswer {
  readonly node: NodeId;
  readonly index: number;
  readonly term: number;
}

/** One thing that happened; at most one transaction became durable in it, on one node. */
export interface StepView {
  /** Null for a node that does not exist (yet). */
  node(id: NodeId): NodeView | null;
  /** Nodes whose memory or disk may have changed. */
  readonly touched: readonly NodeId[];
  readonly departures: readonly Departure[];
  readonly reads: readonly ReadAnswer[];
  readonly writes: readonly WriteAnswer[];
}
