import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "../base/assert.ts";
import type { Sql, SqlRow, SqlValue } from "../base/sql.ts";
import { assertBindings } from "./sql-binding.ts";

/** Statements kept prepared; the product has far fewer texts. */
const STATEMENTS_MAX = 512;

interface Prepared {
  readonly statement: StatementSync;
  /** How many values it takes. */
  readonly parameters: number;
}

/**
 * The `Sql` port on `node:sqlite`, for tests and the simulator: the same SQLite as in a Durable
 * Object, with the same refusals, so that what passes here passes there.
 */
export class NodeSql implements Sql {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  #inTransaction = false;

  /** `path` is a file, or ":memory:". Syncing to disk is left out: a test's machine does not crash. */
  constructor(path = ":memory:") {
    this.#database = new DatabaseSync(path);
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#database.exec("PRAGMA synchronous = OFF");
  }

  run(statement: string, ...bindings: readonly SqlValue[]): void {
    this.#prepare(statement, bindings).run(...bindings);
  }

  all(statement: string, ...bindings: readonly SqlValue[]): SqlRow[] {
    // With setReturnArrays every row is an array; the library's types know objects only.
    return this.#prepare(statement, bindings).all(...bindings) as unknown as SqlRow[];
  }

  first(statement: string, ...bindings: readonly SqlValue[]): SqlRow | null {
    const row = this.#prepare(statement, bindings).get(...bindings) as unknown as SqlRow | undefined;
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

  /** With a file there is no instance to be ended: what was written is taken back here. */
  turn<T>(body: () => T): T {
    return this.transaction(body);
  }

  sizeBytes(): number {
    const row = this.first(
      "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_page_size, pragma_freelist_count",
    );
    const bytes = row?.[0];
    assert(typeof bytes === "number", "SQLite must know its size");
    return bytes;
  }

  /** Ends the use of the file. Nothing may be called afterwards. */
  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(text: string, bindings: readonly SqlValue[]): StatementSync {
    assertBindings(bindings);
    const { statement, parameters } = this.#statements.get(text) ?? this.#remember(text);
    // The library binds NULL to what is missing; a Durable Object refuses it.
    assert(bindings.length === parameters, `${parameters} values wanted, ${bindings.length} given`);
    return statement;
  }

  #remember(text: string): Prepared {
    const statement = this.#database.prepare(text);
    statement.setReturnArrays(true);
    statement.setReadBigInts(false);
    const prepared = { statement, parameters: countParameters(text) };
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    this.#statements.set(text, prepared);
    return prepared;
  }
}

/** Parameters of a statement: `?` takes the next number, `?N` names one. No literal holds a `?` here. */
function countParameters(text: string): number {
  let highest = 0;
  for (const [, number] of text.matchAll(/\?(\d*)/g)) {
    highest = number === "" ? highest + 1 : Math.max(highest, Number(number));
  }
  return highest;
}
