import type { SqlRow } from "../base/sql.ts";
import type { MvccState } from "./mvcc-state.ts";

/** The tables that are sent, in this order. */
export type SnapshotTableName = "kv" | "dedup" | "system";

/** What a snapshot holds: the state machine exactly as it stood when `state` was taken. */
export interface SnapshotBounds {
  /** Counters and newest answers at that moment. The receiver replaces `generation` by its own. */
  readonly state: MvccState;
}

/** Where the next chunk begins; plain data. */
export interface SnapshotCursor {
  readonly table: SnapshotTableName;
  /** Primary key of the last row sent. */
  readonly after: number;
}

export const SNAPSHOT_START: SnapshotCursor = { table: "kv", after: 0 };

/** Rows of one table, as they stand in it (see schema.ts). Survives structured clone. */
export interface SnapshotChunk {
  readonly table: SnapshotTableName;
  readonly rows: readonly SqlRow[];
  /** Null after the last chunk. */
  readonly next: SnapshotCursor | null;
}
