/** SQLite in memory with what a simulated disk needs on top: a record of the writes, and copies. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "../../../src/base/assert.ts";
import type { SqlRow, SqlValue } from "../../../src/base/sql.ts";
import { assertBindings } from "../../../src/storage/sql-binding.ts";

export interface Write {
  readonly statement: string;
  readonly bindings: readonly SqlValue[];
}

export class SimSql {
  #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor() {
    this.#database = open();
  }

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

  transaction<T>(body: () => T): T {
    this.run("BEGIN IMMEDIATE", []);
    try {
      const result = body();
      this.run("COMMIT", []);
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.run("ROLLBACK", []);
      throw error;
    }
  }

  /** The whole database, to be given to `restore`. */
  copy(): Uint8Array {
    return this.#database.serialize();
  }

  /** Becomes what `copy` returned (null: an empty database), changed by `writes`. */
  restore(copy: Uint8Array | null, writes: readonly Write[]): void {
    this.#statements.clear();
    this.#database.close();
    this.#database = open();
    if (copy !== null) this.#database.deserialize(copy);
    this.transaction(() => {
      for (const { statement, bindings } of writes) this.run(statement, bindings);
    });
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
    const statement = this.#database.prepare(text);
    statement.setReturnArrays(true);
    this.#statements.set(text, statement);
    return statement;
  }
}

function open(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
  return database;
}
