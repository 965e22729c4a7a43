/**
 * Tables of the state machine, once for each generation.
 *
 * `kv_<g>`: one row for each version ever written and not yet collected.
 *   ord          position in the store's whole history, dense from 1; orders as (main, sub) does
 *   main, sub    the revision that wrote it, and its place within that revision
 *   key          the key
 *   create_main  revision that brought the key to life (0 for a deletion)
 *   version      1 for that one, then counting; 0 for a deletion
 *   lease        8 bytes big-endian, NULL for none
 *   value        NULL for a deletion
 * "As of revision R" is one bound on `ord`, and history from R on is a scan by primary key.
 *
 * `dedup_<g>`: remembered commands, many a row; the newest are with the counters (mvcc-state.ts).
 *   seq          sequence number from which the row's commands count their places
 *   ops          an encoded `edged.RememberedAnswers`
 *
 * `system_<g>`: records of the group itself (leases, users, alarms, members): see system-table.ts.
 *   ord          counts every write to a record, deletions too
 *   key, value   see system-keys.ts; a NULL value is a deletion that a snapshot still has to pass
 *
 * `system_garbage_<g>`: positions of records that wait for a snapshot to end. Local to the replica.
 *
 * `garbage_<g>`: one row, how far physical collection has come. Local to the replica.
 */
import type { Sql } from "../base/sql.ts";
import type { Generation } from "./mvcc-state.ts";

function generationStatements(g: Generation): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS kv_${g} (
      ord INTEGER PRIMARY KEY,
      main INTEGER NOT NULL,
      sub INTEGER NOT NULL,
      key BLOB NOT NULL,
      create_main INTEGER NOT NULL,
      version INTEGER NOT NULL,
      lease BLOB,
      value BLOB
    )`,
    // The primary key follows the indexed columns by itself: this is an index on (key, ord).
    `CREATE INDEX IF NOT EXISTS kv_${g}_key ON kv_${g} (key)`,
    `CREATE TABLE IF NOT EXISTS dedup_${g} (seq INTEGER PRIMARY KEY, ops BLOB NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS garbage_${g} (
      id INTEGER PRIMARY KEY CHECK (id = 0),
      ord INTEGER NOT NULL,
      revision INTEGER NOT NULL
    )`,
  ];
}

function systemStatements(g: Generation): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS system_${g} (ord INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB)`,
    `CREATE INDEX IF NOT EXISTS system_${g}_key ON system_${g} (key)`,
    `CREATE TABLE IF NOT EXISTS system_garbage_${g} (ord INTEGER PRIMARY KEY)`,
  ];
}

/** The state machine's part of the first migration; idempotent. */
export const MVCC_SCHEMA: readonly string[] = [...generationStatements(0), ...generationStatements(1)];

/** What leases, users, alarms and members brought; idempotent. */
export const SYSTEM_SCHEMA: readonly string[] = [...systemStatements(0), ...systemStatements(1)];

/** Creates the tables of both generations where they are missing. */
export function createSchema(sql: Sql): void {
  for (const statement of [...MVCC_SCHEMA, ...SYSTEM_SCHEMA]) sql.run(statement);
}
