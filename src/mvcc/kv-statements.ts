import type { Generation } from "./mvcc-state.ts";

/**
 * The statement texts of one generation, constant so that the adapters keep them prepared.
 *
 * Distinct keys are enumerated by a loose index scan: a recursive query that seeks the next key
 * above the last, then the newest version of it at or below a bound. It costs a few index seeks for
 * each key, however many versions the key has, and stops as soon as the outer query has its rows.
 */
export interface KvStatements {
  readonly insert: string;
  /** Newest version of a key at or below a bound, without and with its value. Binds: key, ord. */
  readonly newest: string;
  readonly newestWithValue: string;
  /** The value of one version. Binds: ord. */
  readonly value: string;
  /** First version at or above a position. Binds: ord. */
  readonly seek: string;
  readonly bounded: SpanStatements;
  readonly open: SpanStatements;
}

/** Binds: from, end (nothing where the span is open), ord, then what each one names. */
export interface SpanStatements {
  /** Live keys with their newest version, in key order. Binds also: rows at most. */
  readonly page: string;
  /** The same with values; ends after the row that reaches a size. Binds also: rows, bytes at most. */
  readonly pageWithValues: string;
  /** How many keys are live. */
  readonly count: string;
}

const META = "v.ord, v.main, v.key, v.create_main, v.version, v.lease";

function spanStatements(table: string, isOpen: boolean): SpanStatements {
  const bound = isOpen ? "?2" : "?3";
  const rows = isOpen ? "?3" : "?4";
  const bytes = isOpen ? "?4" : "?5";
  const within = isOpen ? "" : "AND key < ?2";
  const firstKey = `(SELECT key FROM ${table} WHERE key >= ?1 ${within} ORDER BY key LIMIT 1)`;
  const nextKey = `(SELECT key FROM ${table} WHERE key > k ${within} ORDER BY key LIMIT 1)`;
  const newestOf = (column: string) =>
    `(SELECT ${column} FROM ${table} WHERE key = k AND ord <= ${bound} ORDER BY ord DESC LIMIT 1)`;
  const keys = `WITH RECURSIVE keys(k) AS (
    SELECT ${firstKey} UNION ALL SELECT ${nextKey} FROM keys WHERE k IS NOT NULL)`;
  // Deleted keys weigh nothing, so a page with room left and no rows is the end of the span.
  const weighedKeys = `WITH RECURSIVE keys(k, b) AS (
    SELECT ${firstKey}, 0
    UNION ALL
    SELECT ${nextKey}, b + ifnull(${newestOf("length(key) + length(value)")}, 0)
    FROM keys WHERE k IS NOT NULL AND b < ${bytes})`;
  const join = `FROM keys CROSS JOIN ${table} AS v ON v.ord = ${newestOf("ord")}`;
  return {
    page: `${keys} SELECT ${META} ${join} WHERE v.version > 0 LIMIT ${rows} + 0`,
    pageWithValues: `${weighedKeys} SELECT ${META}, v.value ${join} WHERE b < ${bytes} AND v.version > 0 LIMIT ${rows} + 0`,
    count: `${keys} SELECT count(*) FROM keys WHERE ${newestOf("version")} > 0`,
  };
}

function kvStatements(generation: Generation): KvStatements {
  const table = `kv_${generation}`;
  const newest = (columns: string) =>
    `SELECT ${columns} FROM ${table} AS v WHERE v.key = ? AND v.ord <= ? ORDER BY v.ord DESC LIMIT 1`;
  return {
    insert: `INSERT INTO ${table} (ord, main, sub, key, create_main, version, lease, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    newest: newest(META),
    newestWithValue: newest(`${META}, v.value`),
    value: `SELECT value FROM ${table} WHERE ord = ?`,
    seek: `SELECT ord, main FROM ${table} WHERE ord >= ? ORDER BY ord LIMIT 1`,
    bounded: spanStatements(table, false),
    open: spanStatements(table, true),
  };
}

export const KV_STATEMENTS: Readonly<Record<Generation, KvStatements>> = {
  0: kvStatements(0),
  1: kvStatements(1),
};
