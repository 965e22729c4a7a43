/**
 * SQLite in memory with what a simulated disk needs on top: copies, and a way back to one. One
 * transaction of SQLite's is open all the time and nothing is ever rolled back, which would cost at
 * every event: after a write that failed, the database is made anew from a copy.
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
  #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor() {
    this.#database = open(null);
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

  /** The whole database, to be given to `restore`. */
  copy(): Uint8Array {
    this.#database.exec("COMMIT");
    const copy = this.#database.serialize();
    this.#database.exec("BEGIN");
    return copy;
  }

  /** Becomes what `copy` returned (null: an empty database), changed by `writes`. */
  restore(copy: Uint8Array | null, writes: readonly Write[]): void {
    this.#statements.clear();
    this.#database.close();
    this.#database = open(copy);
    for (const { statement, bindings } of writes) this.run(statement, bindings);
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

function open(copy: Uint8Array | null): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  if (copy !== null) database.deserialize(copy);
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  return database;
}
