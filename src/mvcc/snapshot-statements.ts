import { isInHistory } from "./history-condition.ts";
import type { Generation, MvccState } from "./mvcc-state.ts";
import type { SnapshotTableName } from "./snapshot-types.ts";

/** Statements that move the rows of one table. */
export interface SnapshotTable {
  /** How many columns a row has. */
  readonly columns: number;
  /** Primary key and size in bytes. Binds: after, last, rows at most, bound. */
  readonly sizes: string;
  /** Whole rows. Binds: after, last, bound: what {@link snapshotBound} says of the table. */
  readonly read: string;
  /** Stores one row, replacing an equal one. Binds: its columns. */
  readonly write: string;
  /** Deletes some rows. Binds: rows at most. */
  readonly drop: string;
  /** Any row. */
  readonly any: string;
}

export interface SnapshotTables {
  readonly kv: SnapshotTable;
  readonly dedup: SnapshotTable;
  readonly system: SnapshotTable;
  /** Never sent: collection is local. */
  readonly systemGarbage: SnapshotTable;
  /** Never sent: collection is local. */
  readonly garbage: SnapshotTable;
}

/** Bytes of a row's numbers in a message, about. */
const NUMBERS_BYTES = 48;

interface TableDescription {
  readonly name: string;
  /** The first is the primary key. */
  readonly columns: readonly [string, ...string[]];
  /** SQL for the bytes of a row's blobs. */
  readonly blobs: string;
  /** SQL for the rows that are sent, given the parameter of the bound. */
  readonly isSent: (bound: string) => string;
}

function snapshotTable({ name, columns, blobs, isSent }: TableDescription): SnapshotTable {
  const key = columns[0];
  const list = columns.join(", ");
  const rows = `FROM ${name} AS v WHERE ${key} > ?1 AND ${key} <= ?2`;
  return {
    columns: columns.length,
    sizes: `SELECT ${key}, ${NUMBERS_BYTES} + ${blobs} ${rows} AND ${isSent("?4")} ORDER BY ${key} LIMIT ?3 + 0`,
    read: `SELECT ${list} ${rows} AND ${isSent("?3")} ORDER BY ${key}`,
    write: `INSERT OR REPLACE INTO ${name} (${list}) VALUES (${columns.map(() => "?").join(", ")})`,
    drop: `DELETE FROM ${name} WHERE ${key} IN (SELECT ${key} FROM ${name} ORDER BY ${key} LIMIT ? + 0)`,
    any: `SELECT ${key} FROM ${name} LIMIT 1`,
  };
}

/** Binds the bound to no effect, where a table does not depend on it. */
const always = (bound: string) => `${bound} IS NOT NULL`;

/** Records as they stood at the bound, a position: neither superseded nor deleted by then. */
const liveRecords = (g: Generation) => (bound: string) =>
  `v.value IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM system_${g} AS n WHERE n.key = v.key AND n.ord > v.ord AND n.ord <= ${bound})`;

/** What decides which rows of a table are sent, besides their primary keys. */
export function snapshotBound(table: SnapshotTableName, state: MvccState): number {
  return table === "system" ? state.systemOrd : state.compactRevision;
}

function snapshotTables(g: Generation): SnapshotTables {
  return {
    kv: snapshotTable({
      name: `kv_${g}`,
      columns: ["ord", "main", "sub", "key", "create_main", "version", "lease", "value"],
      blobs: "length(key) + ifnull(length(value), 0)",
      isSent: (compacted) => isInHistory(g, "v", compacted),
    }),
    dedup: snapshotTable({
      name: `dedup_${g}`,
      columns: ["seq", "ops"],
      blobs: "length(ops)",
      isSent: always,
    }),
    system: snapshotTable({
      name: `system_${g}`,
      columns: ["ord", "key", "value"],
      blobs: "length(key) + ifnull(length(value), 0)",
      isSent: liveRecords(g),
    }),
    systemGarbage: snapshotTable({
      name: `system_garbage_${g}`,
      columns: ["ord"],
      blobs: "0",
      isSent: always,
    }),
    garbage: snapshotTable({
      name: `garbage_${g}`,
      columns: ["id", "ord", "revision"],
      blobs: "0",
      isSent: always,
    }),
  };
}

export const SNAPSHOT_TABLES: Readonly<Record<Generation, SnapshotTables>> = {
  0: snapshotTables(0),
  1: snapshotTables(1),
};
