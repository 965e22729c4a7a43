/**
 * SQLite in memory with what a simulated disk needs on top: a way back to an earlier moment. One
 * transaction of SQLite's is open all the time, for many events: beginning and ending one would cost
 * more than what most events write.
 */
import { assert } from "../../../src/base/assert.ts";
import type { SqlRow, SqlValue } from "../../../src/base/sql.ts";
import { assertBindings } from "../../../src/storage/sql-binding.ts";
import { openDatabase, releaseDatabase, type SimDatabase, takeDatabase } from "./database-pool.ts";
import { Founding } from "./founding.ts";
import type { Write } from "./write.ts";

export class SimSql {
  #database: SimDatabase = takeDatabase();
  /** While the tables are being made; null afterwards. */
  #founding: Founding | null = new Founding(this.#database.model);
  /** There is a moment to go back to other than the empty database. */
  #isKept = false;

  run(statement: string, bindings: readonly SqlValue[]): void {
    if (this.#founding !== null && this.#isThere(this.#founding, { statement, bindings })) return;
    assertBindings(bindings);
    this.#database.prepare(statement).run(...bindings);
  }

  all(statement: string, bindings: readonly SqlValue[]): SqlRow[] {
    if (this.#founding?.read(statement) === false) this.#foundItself(this.#founding);
    assertBindings(bindings);
    // With setReturnArrays every row is an array; the library's types know objects only.
    return this.#database.prepare(statement).all(...bindings) as unknown as SqlRow[];
  }

  first(statement: string, bindings: readonly SqlValue[]): SqlRow | null {
    if (this.#founding?.read(statement) === false) this.#foundItself(this.#founding);
    assertBindings(bindings);
    const row = this.#database.prepare(statement).get(...bindings) as unknown as SqlRow | undefined;
    return row ?? null;
  }

  /** This is the moment that `goBack` returns to from now on. */
  keep(): void {
    if (this.#founding !== null) this.#endFounding(this.#founding);
    this.#isKept = true;
    this.#database.handle.exec("COMMIT; BEGIN");
  }

  /** Becomes what it was when it was kept last, changed by `writes`. */
  goBack(writes: readonly Write[]): void {
    this.#database.handle.exec("ROLLBACK; BEGIN");
    if (!this.#isKept) this.#foundAgain(writes);
    for (const { statement, bindings } of writes) this.run(statement, bindings);
  }

  /** Becomes an empty database. */
  wipe(): void {
    this.close();
    this.#database = takeDatabase();
    this.#founding = new Founding(this.#database.model);
    this.#isKept = false;
  }

  close(): void {
    if (this.#founding?.isFollowing === false) this.#endFounding(this.#founding);
    releaseDatabase(this.#database);
  }

  /** True for a write that a database used before has in it already. */
  #isThere(founding: Founding, write: Write): boolean {
    const outcome = founding.write(write);
    if (outcome === "unlike") this.#foundItself(founding);
    else if (outcome === "there" && founding.isOver) this.#founding = null;
    return outcome === "there";
  }

  /** Goes on with a new database: this one takes another course than the one whose tables it was given. */
  #foundItself(founding: Founding): void {
    assert(!this.#isKept, "tables are made before anything is kept");
    this.#database.handle.exec("ROLLBACK; BEGIN");
    releaseDatabase(this.#database);
    this.#database = openDatabase();
    this.#founding = null;
    for (const { statement, bindings } of founding.writes) this.run(statement, bindings);
  }

  /** The database has no rows any more, and `writes` are made next. */
  #foundAgain(writes: readonly Write[]): void {
    const { model } = this.#database;
    // What is made once more comes without the reads in between: no model for others.
    this.#founding = model === null && writes.length > 0 ? null : new Founding(model);
  }

  #endFounding(founding: Founding): void {
    if (founding.isFollowing) this.#foundItself(founding);
    else this.#database.model = founding.model();
    this.#founding = null;
  }
}
