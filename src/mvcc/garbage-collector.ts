import { assert, defined } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import { blob, integer } from "./columns.ts";
import type { KvTable } from "./kv-table.ts";
import type { Generation } from "./mvcc-state.ts";

/** Versions up to position `ord` were looked at; those compacted by `revision` are gone. */
interface Progress {
  readonly ord: number;
  readonly revision: number;
}

interface GarbageStatements {
  readonly progress: string;
  readonly setProgress: string;
  readonly scan: string;
  readonly removeOlder: string;
  readonly remove: string;
}

function garbageStatements(g: Generation): GarbageStatements {
  return {
    progress: `SELECT ord, revision FROM garbage_${g} WHERE id = 0`,
    setProgress: `INSERT INTO garbage_${g} (id, ord, revision) VALUES (0, ?, ?)
      ON CONFLICT (id) DO UPDATE SET ord = excluded.ord, revision = excluded.revision`,
    scan: `SELECT ord, main, key, version FROM kv_${g} WHERE ord > ? ORDER BY ord LIMIT ? + 0`,
    removeOlder: `DELETE FROM kv_${g} WHERE key = ? AND ord < ?`,
    remove: `DELETE FROM kv_${g} WHERE ord = ?`,
  };
}

const GARBAGE_STATEMENTS: Readonly<Record<Generation, GarbageStatements>> = {
  0: garbageStatements(0),
  1: garbageStatements(1),
};

/**
 * Deletes the versions that compaction has taken out of history, a slice at a time. It walks history
 * from where the last compaction ended, never over all keys: a version written at or before the
 * compacted revision makes the older ones of its key garbage, and a deletion written before it is
 * garbage itself. A deletion at exactly that revision stays, for those who watch from there.
 *
 * Local to the replica: what is answered does not depend on how far it has come.
 */
export class GarbageCollector {
  readonly #sql: Sql;
  readonly #table: KvTable;
  readonly #statements: GarbageStatements;
  /** The stored row, once it was read: it is asked for in every turn, and rows read are paid for. */
  #known: Progress | null = null;

  constructor(sql: Sql, table: KvTable, generation: Generation) {
    this.#sql = sql;
    this.#table = table;
    this.#statements = GARBAGE_STATEMENTS[generation];
  }

  /** True while versions compacted by `revision` may still be stored. */
  isDue(revision: number): boolean {
    return this.#progress().revision < revision;
  }

  /**
   * Works towards `revision` on up to `rowsMax` versions; true once nothing is left to do. `newest`
   * is the store's newest position. The caller holds a transaction.
   */
  collect(revision: number, newest: number, rowsMax: number): boolean {
    assert(rowsMax > 0, "a slice must have rows");
    const progress = this.#progress();
    if (progress.revision >= revision) return true;
    const rows = this.#sql.all(this.#statements.scan, progress.ord, rowsMax);
    const compacted = rows.filter((row) => integer(row, 1) <= revision);
    this.#collectRows(compacted, revision);
    if (compacted.length === rowsMax) {
      this.#setProgress({ ord: ordOf(rows.at(-1)), revision: progress.revision });
      return false;
    }
    const before = rows.findLast((row) => integer(row, 1) < revision);
    if (before === undefined) return this.skipTo(revision, newest);
    this.#setProgress({ ord: ordOf(before), revision });
    return true;
  }

  /**
   * Records that nothing compacted by `revision` is stored. The next compaction begins with the
   * versions of that very revision: its deletions are due then.
   */
  skipTo(revision: number, newest: number): true {
    this.#setProgress({ ord: this.#table.ordOfRevision(revision - 1, newest), revision });
    return true;
  }

  /** The newest version of each key decides about the older ones. */
  #collectRows(rows: readonly SqlRow[], revision: number): void {
    const newestOf = new Map(rows.map((row) => [toHex(blob(row, 2)), row]));
    for (const row of newestOf.values()) {
      const ord = integer(row, 0);
      this.#sql.run(this.#statements.removeOlder, blob(row, 2), ord);
      const isDeletion = integer(row, 3) === 0;
      if (isDeletion && integer(row, 1) < revision) this.#sql.run(this.#statements.remove, ord);
    }
  }

  #progress(): Progress {
    if (this.#known !== null) return this.#known;
    const row = this.#sql.first(this.#statements.progress);
    this.#known =
      row === null ? { ord: 0, revision: -1 } : { ord: integer(row, 0), revision: integer(row, 1) };
    return this.#known;
  }

  #setProgress(progress: Progress): void {
    this.#sql.run(this.#statements.setProgress, progress.ord, progress.revision);
    this.#known = progress;
  }
}

function ordOf(row: SqlRow | undefined): number {
  return integer(defined(row, "a slice has rows"), 0);
}
