/**
 * The counters of the state machine. They are part of the replicated state (all but `generation`),
 * stored rows and never derived from keys: the newest key may be a deletion that compaction removes.
 * The caller writes them into its own row, in the transaction that applied the entries.
 */
export interface MvccState {
  /** The store's revision: 1 when empty, plus one for each command that changed something. */
  readonly revision: number;
  /** Versions ever written. The newest version's position in history; positions are dense. */
  readonly ord: number;
  /** Commands ever applied, whatever came of them. Clients send it back as `Command.seen`. */
  readonly sequence: number;
  /** History below this revision is gone. -1 until the first compaction, as in etcd. */
  readonly compactRevision: number;
  /** Records of the group ever written or deleted (system-table.ts). */
  readonly systemOrd: number;
  /** Which of the two sets of tables holds the store. Local to the replica. */
  readonly generation: Generation;
}

/** A snapshot is staged into the other generation and then flipped. */
export type Generation = 0 | 1;

/** A store nobody has written to. */
export const INITIAL_MVCC_STATE: MvccState = {
  revision: 1,
  ord: 0,
  sequence: 0,
  compactRevision: -1,
  systemOrd: 0,
  generation: 0,
};

export function otherGeneration(generation: Generation): Generation {
  return generation === 0 ? 1 : 0;
}
