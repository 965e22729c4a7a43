/** What the engine needs from outside. All synchronous; what takes time answers through a callback. */
import type { MvccState } from "../mvcc/mvcc-state.ts";
import type { SnapshotCursor } from "../mvcc/snapshot-types.ts";
import type {
  BootState,
  ConfigurationAt,
  Entry,
  HardState,
  LogReader,
  NodeId,
  Sleep,
  SnapshotPoint,
} from "../raft/types.ts";
import type { Identity } from "./identity.ts";
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
  Successors,
} from "./peer-api.ts";
import type { ProposeReply, ProposeRequest } from "./replica-api.ts";

/** Called once, in a later turn, with that turn's time; null: the call failed or took too long. */
export type Answered<T> = (now: number, answer: T | null) => void;

/** Calls to other replicas. Each ends within the deadline of the implementation. */
export interface PeerSender {
  deliver(envelope: PeerEnvelope, answered: Answered<PeerAnswer>): void;
  readIndex(address: PeerAddress, answered: Answered<ReadIndexAnswer>): void;
  pull(request: PullRequest, answered: Answered<PullAnswer>): void;
  /** Forwards a client's write to the leader; `request.mayForward` is false. */
  propose(to: NodeId, request: ProposeRequest, answered: Answered<ProposeReply>): void;
}

/** A snapshot being pulled: survives the loss of memory, so that a long pull goes on. */
export interface Staging {
  readonly from: NodeId;
  readonly session: string;
  readonly point: SnapshotPoint;
  readonly configuration: ConfigurationAt;
  /** The next rows to ask for. */
  readonly cursor: SnapshotCursor;
}

/** Everything durable of one replica but the rows of the state machine. */
export interface StoredReplica {
  readonly identity: Identity;
  readonly boot: BootState;
  readonly mvcc: MvccState;
  /** Incarnations of the peers met so far. */
  readonly peers: ReadonlyMap<NodeId, string>;
  readonly staging: Staging | null;
  /** Set for ever once a peer proved that this id was used before with another database. */
  readonly wiped: boolean;
  /** Set for ever once this replica was removed from its cluster. */
  readonly successors: Successors | null;
  /** When hard state, indexes or counters were last written, by this replica's clock; 0 for never. */
  readonly writtenAt: number;
}

/**
 * A replica's durable state. The engine brackets every turn's writes in one `turn`, and ends its
 * instance if that throws; setters only note what changed, and the one row they share is written once,
 * by `flush`.
 */
export interface ReplicaStorage {
  readonly reader: LogReader;
  /** Bytes of the entries in the log, approximately. */
  readonly logBytes: number;
  turn<T>(body: () => T): T;
  /** Deletes log entries from `index` on, their configurations too. */
  truncateFrom(index: number): void;
  append(entries: readonly Entry[]): void;
  /** Deletes log entries up to `point`, which the log now starts after. */
  compact(point: SnapshotPoint): void;
  /** Puts the log behind `point`; the suffix stays only if `keepSuffix`. */
  installSnapshot(point: SnapshotPoint, configuration: ConfigurationAt, keepSuffix: boolean): void;
  setHardState(hardState: HardState): void;
  setCommit(index: number): void;
  /** Notes that the replica fell asleep, or that it is awake. */
  setSleep(sleep: Sleep | null): void;
  setApplied(index: number, mvcc: MvccState): void;
  setStaging(staging: Staging | null): void;
  recordPeer(id: NodeId, incarnation: string): void;
  setWiped(): void;
  setRemoved(successors: Successors): void;
  /** Whether the next `flush` has something to write. */
  readonly isDirty: boolean;
  /** Makes the next `flush` write even if nothing changed: a write proves this instance is current. */
  fence(): void;
  /** `now` is noted with it. */
  flush(now: number): void;
  databaseBytes(): number;
}
