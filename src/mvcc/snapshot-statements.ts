import type { Generation } from "./mvcc-state.ts";

/** Statements that move the rows of one table. */
export interface SnapshotTable {
  /** How many columns a row has. */
  readonly columns: number;
  /** Primary key and size in bytes. Binds: after, last, rows at most. */
  readonly sizes: string;
  /** Whole rows. Binds: after, last. */
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
  /** Never sent: collection is local. */
  readonly garbage: SnapshotTable;
}

/** Bytes of a row's numbers in a message, about. */
const NUMBERS_BYTES = 48;

function snapshotTable(table: string, columns: readonly [string, ...string[]], blobs: string): SnapshotTable {
  const key = columns[0];
  const list = columns.join(", ");
  return {
    columns: columns.length,
    sizes: `SELECT ${key}, ${NUMBERS_BYTES} + ${blobs} FROM ${table} WHERE ${key} > ? AND ${key} <= ? ORDER BY ${key} LIMIT ?`,
    read: `SELECT ${list} FROM ${table} WHERE ${key} > ? AND ${key} <= ? ORDER BY ${key}`,
    write: `INSERT OR REPLACE INTO ${table} (${list}) VALUES (${columns.map(() => "?").join(", ")})`,
    drop: `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} ORDER BY ${key} LIMIT ?)`,
    any: `SELECT ${key} FROM ${table} LIMIT 1`,
  };
}

function snapshotTables(g: Generation): SnapshotTables {
  return {
    kv: snapshotTable(
      `kv_${g}`,
      ["ord", "main", "sub", "key", "create_main", "version", "lease", "value"],
      "length(key) + ifnull(length(value), 0)",
    ),
    dedup: snapshotTable(`dedup_${g}`, ["seq", "ops"], "length(ops)"),
    garbage: snapshotTable(`garbage_${g}`, ["id", "ord", "revision"], "0"),
  };
}

export const SNAPSHOT_TABLES: Readonly<Record<Generation, SnapshotTables>> = {
  0: snapshotTables(0),
  1: snapshotTables(1),
};
