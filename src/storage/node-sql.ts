import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "../base/assert.ts";
import type { Sql, SqlRow, SqlValue } from "../base/sql.ts";
import { assertBindings } from "./sql-binding.ts";

/** Statements kept prepared; the product has far fewer texts. */
const STATEMENTS_MAX = 512;

/**
 * The `Sql` port on `node:sqlite`, for tests and the simulator: the same SQLite as in a Durable
 * Object, with the same refusals, so that what passes here passes there.
 */
export class NodeSql implements Sql {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #inTransaction = false;

  /** `path` is a file, or ":memory:". Syncing to disk is left out: a test's machine does not crash. */
  constructor(path = ":memory:") {
    this.#database = new DatabaseSync(path);
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#database.exec("PRAGMA synchronous = OFF");
  }

  run(statement: string, ...bindings: readonly SqlValue[]): void {
    assertBindings(bindings);
    this.#prepare(statement).run(...bindings);
  }

  all(statement: string, ...bindings: readonly SqlValue[]): SqlRow[] {
    assertBindings(bindings);
    // With setReturnArrays every row is an array; the library's types know objects only.
    return this.#prepare(statement).all(...bindings) as unknown as SqlRow[];
  }

  first(statement: string, ...bindings: readonly SqlValue[]): SqlRow | null {
    assertBindings(bindings);
    const row = this.#prepare(statement).get(...bindings) as unknown as SqlRow | undefined;
    return row ?? null;
  }

  transaction<T>(body: () => T): T {
    assert(!this.#inTransaction, "transactions are not re-entrant");
    this.#inTransaction = true;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const result = body();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  sizeBytes(): number {
    const row = this.first("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    const bytes = row?.[0];
    assert(typeof bytes === "number", "SQLite must know its size");
    return bytes;
  }

  /** Ends the use of the file. Nothing may be called afterwards. */
  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(statement: string): StatementSync {
    const known = this.#statements.get(statement);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(statement);
    prepared.setReturnArrays(true);
    prepared.setReadBigInts(false);
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    this.#statements.set(statement, prepared);
    return prepared;
  }
}
