import { concatBytes, EMPTY_BYTES } from "../base/bytes.ts";
import type { Sql } from "../base/sql.ts";
import { blob, integer } from "./columns.ts";
import type { Counters } from "./counters.ts";
import type { Generation } from "./mvcc-state.ts";

interface SystemStatements {
  readonly newest: string;
  readonly insert: string;
  readonly remove: string;
  readonly page: string;
  readonly noteGarbage: string;
  readonly garbage: string;
  readonly removeVersion: string;
  readonly forgetGarbage: string;
}

function systemStatements(g: Generation): SystemStatements {
  const newestOrd = `(SELECT ord FROM system_${g} WHERE key = v.key ORDER BY ord DESC LIMIT 1)`;
  return {
    newest: `SELECT ord, value FROM system_${g} WHERE key = ? ORDER BY ord DESC LIMIT 1`,
    insert: `INSERT INTO system_${g} (ord, key, value) VALUES (?, ?, ?)`,
    remove: `DELETE FROM system_${g} WHERE key = ?`,
    page: `SELECT key, value FROM system_${g} AS v
      WHERE key >= ?1 AND key < ?2 AND ord = ${newestOrd} AND value IS NOT NULL ORDER BY key LIMIT ?3 + 0`,
    noteGarbage: `INSERT OR IGNORE INTO system_garbage_${g} (ord) VALUES (?)`,
    garbage: `SELECT ord FROM system_garbage_${g} ORDER BY ord LIMIT ? + 0`,
    removeVersion: `DELETE FROM system_${g} WHERE ord = ?`,
    forgetGarbage: `DELETE FROM system_garbage_${g} WHERE ord = ?`,
  };
}

const SYSTEM_STATEMENTS: Readonly<Record<Generation, SystemStatements>> = {
  0: systemStatements(0),
  1: systemStatements(1),
};

/** Above every key: they begin with a letter (system-keys.ts). */
const KEYS_END = Uint8Array.of(0xff);
const ZERO_BYTE = Uint8Array.of(0);
const ALL_ROWS = 256;

/** One live record. */
export interface SystemRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * What the group agrees on besides clients' keys: leases, users, alarms, members. Records by key,
 * of which only the newest version counts; it has no history and no revision of its own.
 *
 * A record that is written again while a snapshot is being sent keeps its older version until no
 * snapshot needs it, so that small and large services alike need no thought of snapshots.
 */
export class SystemTable {
  readonly #sql: Sql;
  readonly #counters: Pick<Counters, "systemOrd">;
  readonly #statements: SystemStatements;
  readonly #isPinned: () => boolean;
  /** Whether older versions wait for deletion; null before the first look. */
  #garbage: boolean | null = null;

  /** `isPinned`: a snapshot of an earlier moment is being sent. */
  constructor(
    sql: Sql,
    generation: Generation,
    counters: Pick<Counters, "systemOrd">,
    isPinned: () => boolean,
  ) {
    this.#sql = sql;
    this.#counters = counters;
    this.#statements = SYSTEM_STATEMENTS[generation];
    this.#isPinned = isPinned;
  }

  /** The value of a record, or null if there is none. */
  get(key: Uint8Array): Uint8Array | null {
    return this.#newest(key)?.value ?? null;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#retire(key);
    this.#counters.systemOrd += 1;
    this.#sql.run(this.#statements.insert, this.#counters.systemOrd, key, value);
  }

  /** True if there was such a record. */
  delete(key: Uint8Array): boolean {
    if (this.#newest(key)?.value == null) return false;
    this.#retire(key);
    this.#counters.systemOrd += 1;
    if (!this.#isPinned()) return true;
    this.#sql.run(this.#statements.insert, this.#counters.systemOrd, key, null);
    this.#noteGarbage(this.#counters.systemOrd);
    return true;
  }

  /** Up to `rowsMax` records with `from <= key < end`, in key order. */
  page(from: Uint8Array, end: Uint8Array, rowsMax: number): readonly SystemRecord[] {
    const rows = this.#sql.all(this.#statements.page, from, end, rowsMax);
    return rows.map((row) => ({ key: blob(row, 0), value: blob(row, 1) }));
  }

  /** Every record, in key order. */
  *all(): Generator<SystemRecord, void> {
    for (let from: Uint8Array = EMPTY_BYTES; ; ) {
      const records = this.page(from, KEYS_END, ALL_ROWS);
      yield* records;
      const last = records.at(-1);
      if (last === undefined || records.length < ALL_ROWS) return;
      from = concatBytes([last.key, ZERO_BYTE]);
    }
  }

  /** True while versions wait for deletion that nobody needs. */
  hasGarbage(): boolean {
    this.#garbage ??= this.#sql.first(this.#statements.garbage, 1) !== null;
    return this.#garbage && !this.#isPinned();
  }

  /**
   * Deletes up to `rowsMax` of them, oldest first: a deletion must not go before the versions it ends.
   * Local to the replica.
   */
  collectGarbage(rowsMax: number): void {
    const rows = this.#sql.all(this.#statements.garbage, rowsMax);
    for (const row of rows) {
      this.#sql.run(this.#statements.removeVersion, integer(row, 0));
      this.#sql.run(this.#statements.forgetGarbage, integer(row, 0));
    }
    this.#garbage = rows.length === rowsMax;
  }

  #newest(key: Uint8Array): { readonly ord: number; readonly value: Uint8Array | null } | null {
    const row = this.#sql.first(this.#statements.newest, key);
    if (row === null) return null;
    return { ord: integer(row, 0), value: row[1] === null ? null : blob(row, 1) };
  }

  /** The record's versions are in the way of a newer one. */
  #retire(key: Uint8Array): void {
    const newest = this.#newest(key);
    if (newest === null) return;
    if (this.#isPinned()) this.#noteGarbage(newest.ord);
    else this.#sql.run(this.#statements.remove, key);
  }

  #noteGarbage(ord: number): void {
    this.#sql.run(this.#statements.noteGarbage, ord);
    this.#garbage = true;
  }
}
