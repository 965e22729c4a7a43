/**
 * The state machine as chunks of rows. Versions at or below a position never change, so a snapshot
 * is its counters plus rows that may be read later, provided the state machine is pinned meanwhile:
 * otherwise garbage collection takes versions that the receiver needs to replay the entries that
 * follow. What compaction had already taken out of history is not sent, deleted or not: a chunk with
 * an old version and a later one without the deletion that ended it would bring the key back.
 * The receiver stages the rows in the generation it does not use, then flips.
 */
import { assert, assertNever } from "../base/assert.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import { integer } from "./columns.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { KvTable } from "./kv-table.ts";
import { type Generation, type MvccState, otherGeneration } from "./mvcc-state.ts";
import { SNAPSHOT_TABLES, type SnapshotTable, snapshotBound } from "./snapshot-statements.ts";
import type { SnapshotBounds, SnapshotChunk, SnapshotCursor, SnapshotTableName } from "./snapshot-types.ts";

/** Rows of one chunk, however small they are. */
const CHUNK_ROWS = 2_048;

/**
 * The rows after `cursor`, as many as fit `maxBytes` (at least one). `generation` is the sender's,
 * `bounds` what its state machine answered when it was pinned. Start with `SNAPSHOT_START`.
 */
export function exportChunk(
  sql: Sql,
  generation: Generation,
  bounds: SnapshotBounds,
  cursor: SnapshotCursor,
  maxBytes: number,
): SnapshotChunk {
  const table = SNAPSHOT_TABLES[generation][cursor.table];
  const end = chunkEnd(sql, table, bounds.state, cursor, maxBytes);
  const rows =
    end === null ? [] : sql.all(table.read, cursor.after, end.key, snapshotBound(cursor.table, bounds.state));
  const next = nextCursor(cursor, end);
  const { recent } = bounds.state;
  // Answers that had no row yet have one in the snapshot, the last of their table.
  if (cursor.table === "dedup" && next?.table !== "dedup" && recent !== null)
    rows.push([recent.first, recent.answers]);
  return { table: cursor.table, rows, next };
}

/**
 * Prepares `generation` for rows. False if rows of an older use are still there: call
 * {@link dropGeneration} until it is done.
 */
export function beginImport(sql: Sql, generation: Generation): boolean {
  return Object.values(SNAPSHOT_TABLES[generation]).every((table) => isEmpty(sql, table));
}

/** Stores a chunk in a generation that is not in use. The same chunk may come again. */
export function importChunk(sql: Sql, generation: Generation, chunk: SnapshotChunk): void {
  const table = SNAPSHOT_TABLES[generation][chunk.table];
  for (const row of chunk.rows) {
    assert(row.length === table.columns, `a row of ${chunk.table} has ${table.columns} columns`);
    sql.run(table.write, ...row);
  }
}

/**
 * After the last chunk: the counters with which the state machine is created anew, to be stored in
 * the transaction of this call.
 */
export function finishImport(sql: Sql, generation: Generation, bounds: SnapshotBounds): MvccState {
  const { compactRevision, ord } = bounds.state;
  // Nothing compacted was sent, so there is nothing to collect but what later compactions leave.
  new GarbageCollector(sql, new KvTable(sql, generation), generation).skipTo(compactRevision, ord);
  // What the sender had no row for came as a row.
  return { ...bounds.state, generation, recent: null };
}

/** Deletes up to `maxRows` rows of each table of a generation not in use; true once it is empty. */
export function dropGeneration(sql: Sql, generation: Generation, maxRows: number): boolean {
  for (const table of Object.values(SNAPSHOT_TABLES[generation])) sql.run(table.drop, maxRows);
  return beginImport(sql, generation);
}

/** The generation a snapshot is staged in. */
export function stagingGeneration(state: MvccState): Generation {
  return otherGeneration(state.generation);
}

function lastKey(table: SnapshotTableName, state: MvccState): number {
  switch (table) {
    case "kv":
      return state.ord;
    case "dedup":
      // A row that takes up what is recent now will hold later answers too, to commands not in the snapshot.
      return (state.recent?.first ?? state.sequence) - 1;
    case "system":
      return state.systemOrd;
    default:
      return assertNever(table, "table of a snapshot");
  }
}

interface ChunkEnd {
  /** Primary key of the chunk's last row. */
  readonly key: number;
  /** True if the table has no more rows within the bounds. */
  readonly isLast: boolean;
}

/** Null when nothing is left of the table. Sizes are read first, so that rows are read only to send. */
function chunkEnd(
  sql: Sql,
  table: SnapshotTable,
  state: MvccState,
  cursor: SnapshotCursor,
  maxBytes: number,
): ChunkEnd | null {
  const last = lastKey(cursor.table, state);
  const sizes = sql.all(table.sizes, cursor.after, last, CHUNK_ROWS, snapshotBound(cursor.table, state));
  let bytes = 0;
  let key: number | null = null;
  for (const row of sizes) {
    bytes += integer(row, 1);
    if (key !== null && bytes > maxBytes) return { key, isLast: false };
    key = integer(row, 0);
  }
  return key === null ? null : { key, isLast: sizes.length < CHUNK_ROWS };
}

function nextCursor(cursor: SnapshotCursor, end: ChunkEnd | null): SnapshotCursor | null {
  if (end !== null && !end.isLast) return { table: cursor.table, after: end.key };
  if (cursor.table === "kv") return { table: "dedup", after: -1 };
  return cursor.table === "dedup" ? { table: "system", after: 0 } : null;
}

function isEmpty(sql: Sql, table: SnapshotTable): boolean {
  const row: SqlRow | null = sql.first(table.any);
  return row === null;
}
