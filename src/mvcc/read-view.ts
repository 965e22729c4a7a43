import type { ErrorKey } from "../wire/errors.ts";
import type { KvTable } from "./kv-table.ts";

/**
 * What a read sees: the store as it stands, with the writes of the transaction under way, or history
 * up to the revision at which that transaction began.
 */
export interface ReadView {
  /** The revision answered in headers. */
  readonly revision: number;
  /** The newest position, writes under way included. */
  readonly bound: number;
  /** Revision and position of history: what reads with a revision may reach. */
  readonly historyRevision: number;
  readonly historyBound: number;
  readonly compactRevision: number;
}

/** Why history cannot be read at `revision`, or null. Zero, which means now, is the caller's to sort out. */
export function historyError(view: ReadView, revision: number): ErrorKey | null {
  if (revision > view.historyRevision) return "futureRevision";
  if (revision < view.compactRevision) return "compacted";
  return null;
}

/** The bound to read as of `revision`; zero and below mean now. Check {@link historyError} before. */
export function boundOf(table: KvTable, view: ReadView, revision: number): number {
  if (revision <= 0) return view.bound;
  if (revision >= view.historyRevision) return view.historyBound;
  return table.ordOfRevision(revision, view.historyBound);
}
