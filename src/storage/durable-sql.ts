import { assert } from "../base/assert.ts";
import type { Sql, SqlRow, SqlValue } from "../base/sql.ts";
import { assertBindings } from "./sql-binding.ts";

/** What the adapter needs of `ctx.storage`. */
export type SqlStorageHost = Pick<DurableObjectStorage, "sql" | "transactionSync">;

/** The `Sql` port on the SQLite database of a Durable Object. The platform caches statements by text. */
export class DurableSql implements Sql {
  readonly #storage: SqlStorageHost;
  #inTransaction = false;
  /** What a turn wrote before it broke may still be there, and must not become durable. */
  #isBroken = false;

  constructor(storage: SqlStorageHost) {
    this.#storage = storage;
  }

  run(statement: string, ...bindings: readonly SqlValue[]): void {
    this.#mustBeWhole();
    assertBindings(bindings);
    this.#storage.sql.exec(statement, ...bindings);
  }

  all(statement: string, ...bindings: readonly SqlValue[]): SqlRow[] {
    this.#mustBeWhole();
    assertBindings(bindings);
    return Array.from(this.#storage.sql.exec(statement, ...bindings).raw(), convertRow);
  }

  first(statement: string, ...bindings: readonly SqlValue[]): SqlRow | null {
    // The cursor is drained, because an open one keeps the cached statement busy.
    return this.all(statement, ...bindings)[0] ?? null;
  }

  transaction<T>(body: () => T): T {
    return this.#alone(() => this.#storage.transactionSync(body));
  }

  /** The platform commits what is written between two awaits as one, unless the object is aborted before. */
  turn<T>(body: () => T): T {
    return this.#alone(() => {
      try {
        return body();
      } catch (error) {
        this.#isBroken = true;
        throw error;
      }
    });
  }

  sizeBytes(): number {
    return this.#storage.sql.databaseSize;
  }

  #alone<T>(run: () => T): T {
    this.#mustBeWhole();
    assert(!this.#inTransaction, "transactions are not re-entrant");
    this.#inTransaction = true;
    try {
      return run();
    } finally {
      this.#inTransaction = false;
    }
  }

  #mustBeWhole(): void {
    assert(!this.#isBroken, "a turn broke: this instance must end");
  }
}

function convertRow(row: readonly SqlStorageValue[]): SqlRow {
  return row.map((value) => {
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    assert(
      typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value),
      "an integer in the database is too large to be exact",
    );
    return value;
  });
}
