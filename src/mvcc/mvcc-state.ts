/**
 * The counters of the state machine, and the newest answers that it remembers. The counters are part of
 * the replicated state (all but `generation`), stored and never derived from keys: the newest key may be
 * a deletion that compaction removes. The caller writes all of it into its own row, in the transaction
 * that applied the entries.
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
  /** Null: all remembered answers are in rows. Local to the replica: which are makes no difference. */
  readonly recent: RecentAnswers | null;
}

/**
 * Remembered answers that have no row yet: a few hundred bytes in a row that is written anyway, instead
 * of a row for each entry. They move to one row when they are many.
 */
export interface RecentAnswers {
  /** Sequence number from which they count. All answers in rows are to older commands. */
  readonly first: number;
  /** An encoded `edged.RememberedAnswers`, as in a row. Never changed: others hold it. */
  readonly answers: Uint8Array;
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
  recent: null,
};

export function otherGeneration(generation: Generation): Generation {
  return generation === 0 ? 1 : 0;
}
