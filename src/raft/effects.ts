/**
 * THE contract between the core and whoever hosts it. After feeding inputs the host calls
 * `takeEffects()` and, in one turn without yielding, does exactly this:
 *
 *   1. sends `first` (appends may overlap the local write: thesis 10.2.1). They may overtake the write
 *      of these effects only: whatever was written before must be durable when they leave, for the
 *      commit index they carry counts on it;
 *   2. in ONE transaction: truncates, appends, writes term, vote and commit, applies committed
 *      entries and stores the applied index with what applying changed;
 *   3. calls `raft.persisted(...)` and repeats from the top until nothing comes out;
 *   4. sends `after` and answers clients, none of it before the transaction is durable.
 *
 * Votes, acknowledgements and answers are never in `first`. A leader's own commands may be in `append`
 * later than they are in `first`: with the answer that lets them commit (`mayStoreLater`). A node that
 * crashes after it sent entries and before it stored them may have let others see what it does not have:
 * it must not lead in that term again, and it does not: a start is as a follower, but for a leader that
 * fell asleep and has sent nothing since (quiescence.ts).
 */
import type { Outgoing } from "./message.ts";
import type { Configuration, Entry, HardState, NodeId, Sleep } from "./types.ts";

export interface Effects {
  readonly first: readonly Outgoing[];
  /** Delete stored entries from this index on, before appending; null for none. Always above commit. */
  readonly truncateFrom: number | null;
  /** Entries to store, contiguous, the first right after what remains stored. */
  readonly append: readonly Entry[];
  /** Set when term or vote changed. */
  readonly hardState: HardState | null;
  /** Set when this node fell asleep or woke; `sleep` is to be stored with the rest. */
  readonly slept: { readonly sleep: Sleep | null } | null;
  /** The new commit index when it advanced. */
  readonly commit: number | null;
  readonly after: readonly Outgoing[];
  /** Reads decided: serve once applied >= index; null index: leadership was lost, ask again. */
  readonly reads: readonly ReadDecision[];
  /** Followers whose log position is compacted: open a session and call `offerSnapshot`. */
  readonly snapshotsWanted: readonly NodeId[];
  /** A leader offered this node a snapshot: pull it, then call `installSnapshot`. */
  readonly snapshotOffered: SnapshotToPull | null;
}

export interface ReadDecision {
  /** As given to `read`. */
  readonly id: number;
  readonly index: number | null;
}

export interface SnapshotToPull {
  readonly from: NodeId;
  readonly session: string;
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
}
