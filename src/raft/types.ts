/** The nouns of the consensus core. Names are those of the Raft paper. */

/** One replica's log for life. Never reused: a wiped or replaced replica gets a new id. */
export type NodeId = string;

/**
 * `pre-candidate` asks whether it could win before it disturbs anybody with a new term
 * (thesis 9.6). Learners are followers that the configuration does not count.
 */
export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/**
 * Who takes part. Simple while `votersOutgoing` is empty; joint otherwise: then elections, commits,
 * reads and the quorum check each need a majority of `voters` and one of `votersOutgoing`
 * (paper section 6). In force from the moment it is in the log, committed or not.
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  /** Replicated to, never counted. */
  readonly learners: readonly NodeId[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
}

/** A configuration and the log index that carries it (0: the initial one, in no entry). */
export interface ConfigurationAt {
  readonly index: number;
  readonly configuration: Configuration;
}

interface EntryPosition {
  readonly index: number;
  readonly term: number;
}

/** Opaque to the core: a batch of commands for the state machine. */
export interface CommandEntry extends EntryPosition {
  readonly kind: "command";
  readonly data: Uint8Array;
}

/** What a new leader appends first, so that it has an entry of its own term to commit (5.4.2). */
export interface EmptyEntry extends EntryPosition {
  readonly kind: "empty";
}

export interface ConfigurationEntry extends EntryPosition {
  readonly kind: "configuration";
  readonly configuration: Configuration;
}

export type Entry = CommandEntry | EmptyEntry | ConfigurationEntry;

/** What must be durable before any message that depends on it leaves. */
export interface HardState {
  /** Never decreases. */
  readonly term: number;
  /** Whom this node voted for in `term`; changes from null at most once a term. */
  readonly vote: NodeId | null;
}

/**
 * How a node fell asleep (quiescence.ts); kept so that a node without memory knows that there is
 * nothing to do, and so that the leader may lead on in its term.
 */
export interface Sleep {
  /** Who leads; this node itself, if it may lead on. */
  readonly leader: NodeId;
  /** The leader's newest read round. */
  readonly round: number;
  /** 0: nobody was away. Else how long until the leader looks for whoever was, in ms. */
  readonly repairMs: number;
  /** When it fell asleep, by its own clock: nobody has heard anything from it since. */
  readonly at: number;
}

/** The state machine's content up to and including `index` stands in for the log up to there. */
export interface SnapshotPoint {
  readonly index: number;
  readonly term: number;
}

/** What a replica reads back from its storage when it starts. */
export interface BootState extends HardState {
  /** The log begins after this point; index 0, term 0 for a log never compacted. */
  readonly snapshot: SnapshotPoint;
  readonly lastIndex: number;
  readonly commit: number;
  readonly applied: number;
  /** Null: this node was awake. */
  readonly sleep: Sleep | null;
  /** The newest configuration at or below `applied` first, then every later one, by index. */
  readonly configurations: readonly ConfigurationAt[];
}

/** How the core reads entries that it no longer holds in memory. Synchronous. */
export interface LogReader {
  /** The term of the stored entry at `index`. Asked only for first <= index <= last. */
  term(index: number): number;
  /** Stored entries from `low` to `high` inclusive, cut so that data stays within `bytesMax` but never empty. */
  entries(low: number, high: number, bytesMax: number): Entry[];
}

/** Bytes that an entry counts for in windows and caps. Empty entries are free, so that a full cap cannot stop a new leader. */
export function entryBytes(entry: Entry): number {
  return entry.kind === "command" ? entry.data.length : 0;
}
