/** Databases in memory, used by one object after the other; see `founding.ts`. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "../../../src/base/assert.ts";
import { isIdempotent, isSchema, type Model } from "./founding.ts";

/** Kept between runs; large clusters with many changes of members take more. */
const IDLE_MAX = 16;

const idle: SimDatabase[] = [];

export class SimDatabase {
  readonly handle = new DatabaseSync(":memory:");
  /** How it came to its tables; null: it has none, or is not to be used again. */
  model: Model | null = null;
  readonly #statements = new Map<string, StatementSync>();
  #emptying: readonly StatementSync[] = [];

  constructor() {
    this.handle.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN");
  }

  prepare(text: string): StatementSync {
    return this.#statements.get(text) ?? this.#prepareNew(text);
  }

  /** Deletes every row of every table. */
  empty(): void {
    this.handle.exec("COMMIT; BEGIN");
    if (this.#emptying.length === 0) {
      const tables = this.handle.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      this.#emptying = tables.map(({ name }) => this.handle.prepare(`DELETE FROM ${name}`));
    }
    for (const statement of this.#emptying) statement.run();
    this.handle.exec("COMMIT; BEGIN");
  }

  #prepareNew(text: string): StatementSync {
    assert(!/\b(random|CURRENT_TIMESTAMP|datetime)\b/i.test(text), `not deterministic: ${text}`);
    assert(!/\bLIMIT \?\d*(?! *\+)(?!\d)/.test(text), `compiled anew whenever it is bound: ${text}`);
    const statement = this.handle.prepare(text);
    statement.setReturnArrays(true);
    if (isSchema(text)) this.#changesTables(text);
    else this.#statements.set(text, statement);
    return statement;
  }

  /** Other tables than the next object is to find: it gets another database. */
  #changesTables(text: string): void {
    const isThere = isIdempotent(text) && this.model?.some(({ statement }) => statement === text);
    if (isThere !== true) this.model = null;
  }
}

/** A database without rows: with the tables of its `model`, or without any. */
export function takeDatabase(): SimDatabase {
  return idle.pop() ?? openDatabase();
}

/** An empty one. */
export function openDatabase(): SimDatabase {
  return new SimDatabase();
}

export function releaseDatabase(database: SimDatabase): void {
  if (database.model === null || idle.length >= IDLE_MAX) {
    database.handle.close();
    return;
  }
  database.empty();
  idle.push(database);
}
