/**
 * SQLite in memory with what a simulated disk needs on top: a way back to an earlier moment. One
 * transaction of SQLite's is open all the time, for many events: beginning and ending one would cost
 * more than what most events write.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "../../../src/base/assert.ts";
import type { SqlRow, SqlValue } from "../../../src/base/sql.ts";
import { assertBindings } from "../../../src/storage/sql-binding.ts";

export interface Write {
  readonly statement: string;
  readonly bindings: readonly SqlValue[];
}

export class SimSql {
  #database = open();
  readonly #statements = new Map<string, StatementSync>();

  run(statement: string, bindings: readonly SqlValue[]): void {
    this.#prepare(statement, bindings).run(...bindings);
  }

  all(statement: string, bindings: readonly SqlValue[]): SqlRow[] {
    // With setReturnArrays every row is an array; the library's types know objects only.
    return this.#prepare(statement, bindings).all(...bindings) as unknown as SqlRow[];
  }

  first(statement: string, bindings: readonly SqlValue[]): SqlRow | null {
    const row = this.#prepare(statement, bindings).get(...bindings) as unknown as SqlRow | undefined;
    return row ?? null;
  }

  /** This is the moment that `goBack` returns to from now on. */
  keep(): void {
    this.#database.exec("COMMIT; BEGIN");
  }

  /** Becomes what it was when it was kept last, changed by `writes`. */
  goBack(writes: readonly Write[]): void {
    this.#database.exec("ROLLBACK; BEGIN");
    for (const { statement, bindings } of writes) this.run(statement, bindings);
  }

  /** Becomes an empty database. */
  wipe(): void {
    this.close();
    this.#database = open();
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(text: string, bindings: readonly SqlValue[]): StatementSync {
    assertBindings(bindings);
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    assert(!/\b(random|CURRENT_TIMESTAMP|datetime)\b/i.test(text), `not deterministic: ${text}`);
    assert(!/\bLIMIT \?\d*(?! *\+)(?!\d)/.test(text), `compiled anew whenever it is bound: ${text}`);
    const statement = this.#database.prepare(text);
    statement.setReturnArrays(true);
    this.#statements.set(text, statement);
    return statement;
  }
}

function open(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN");
  return database;
}
