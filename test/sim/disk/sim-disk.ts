/**
 * One object's database with the platform's idea of durability: all writes of one event are one
 * transaction, transactions become durable in order and some time later, and a crash takes a suffix
 * of those that are not yet. The object itself already reads what it wrote.
 */
import { assert, defined } from "../../../src/base/assert.ts";
import type { Sql, SqlRow, SqlValue } from "../../../src/base/sql.ts";
import { changeOf } from "./changes.ts";
import { DurableMirror, type Meta, type MirrorChange } from "./durable-mirror.ts";
import { SimSql } from "./sim-sql.ts";
import type { Write } from "./write.ts";

export interface Transaction {
  readonly sequence: number;
  readonly writes: Write[];
  /** What it changed, read when its event ended. */
  change: MirrorChange | null;
  /** The alarm as this transaction sets or (null) deletes it; undefined when it does not. */
  alarmAt: number | null | undefined;
  /** What waits for it to be durable: messages and answers. */
  readonly waiting: (() => void)[];
}

/** Whether whoever writes is still the object's current instance. */
export interface Writer {
  readonly isCurrent: boolean;
  /** Statements of its own that have written, those of events that came to nothing included. */
  written: number;
}

/** How the product reads entries back. */
const LOG_READ = "SELECT idx, term, kind, data, last FROM log";

/** How it writes them. */
const LOG_WRITES = ["INSERT INTO log ", "DELETE FROM log ", "UPDATE log "] as const;

function isLogWrite(statement: string): boolean {
  return LOG_WRITES.some((beginning) => statement.startsWith(beginning));
}

/** One transaction in so many is compared with the rows it left. */
const COMPARED_EVERY = 64;

/** Durable writes after which the database is kept as it is, instead of a record of writes. */
const REDO_MAX = 60;

/** What a stored version counts for in a database whose size matters. */
export const VERSION_BYTES = 100;

const COUNT_VERSIONS = "SELECT (SELECT count(*) FROM kv_0) + (SELECT count(*) FROM kv_1)";

export class SimDisk {
  readonly mirror = new DurableMirror();
  readonly #sql = new SimSql();
  readonly #isMeasured: boolean;
  /** Transactions lost so far. */
  vanished = 0;
  #open: Transaction | null = null;
  #pending: Transaction[] = [];
  #issued = 0;
  #durable = 0;
  /** The counters as they are durable; null: there are none. */
  #durableMeta: Meta | null = null;
  /** The durable writes since the database was kept. */
  #redo: Write[] = [];
  #inTransaction = false;
  /** What was read from the log since it changed last: invariants look at what was just appended. */
  readonly #logReads = new Map<string, SqlRow[]>();

  /** `isMeasured`: how large the database is makes a difference. */
  constructor(isMeasured: boolean) {
    this.#isMeasured = isMeasured;
  }

  /** The port for one instance. */
  port(writer: Writer): Sql {
    return {
      run: (statement, ...bindings) => this.#write(writer, statement, bindings),
      all: (statement, ...bindings) => {
        assertCurrent(writer);
        return statement.startsWith(LOG_READ)
          ? this.#readLog(statement, bindings)
          : this.#sql.all(statement, bindings);
      },
      first: (statement, ...bindings) => {
        assertCurrent(writer);
        return this.#sql.first(statement, bindings);
      },
      transaction: (body) => this.#transaction(body),
      // Who breaks a turn ends, and loses with it what the platform would lose; whoever was superseded wrote nothing.
      turn: (body) => this.#transaction(body),
      sizeBytes: () =>
        this.#isMeasured ? VERSION_BYTES * Number(this.#sql.first(COUNT_VERSIONS, [])?.[0] ?? 0) : 0,
    };
  }

  #readLog(statement: string, bindings: readonly SqlValue[]): SqlRow[] {
    const key = bindings.join();
    const known = this.#logReads.get(key);
    if (known !== undefined) return known;
    const rows = this.#sql.all(statement, bindings);
    this.#logReads.set(key, rows);
    return rows;
  }

  /** Reads for invariants: the state with everything pending. */
  query(statement: string, ...bindings: readonly SqlValue[]): SqlRow[] {
    return this.#sql.all(statement, bindings);
  }

  /** The number of the newest transaction, that of the running event included. */
  get issued(): number {
    return this.#issued;
  }

  /** The number of the newest durable one. */
  get durable(): number {
    return this.#durable;
  }

  get pending(): readonly Transaction[] {
    return this.#pending;
  }

  /** The counters with everything pending. */
  get latestMeta(): Meta {
    return this.#meta ?? this.mirror.meta;
  }

  /** Those that the database has; null: none. */
  get #meta(): Meta | null {
    return this.#pending.findLast(({ change }) => change !== null)?.change?.meta ?? this.#durableMeta;
  }

  setAlarm(writer: Writer, atMs: number | null): void {
    assertCurrent(writer);
    this.#begin().alarmAt = atMs;
  }

  /** Calls `run` once transaction `sequence` is durable, never if it vanishes. */
  whenDurable(sequence: number, run: () => void): void {
    if (sequence <= this.#durable) {
      run();
      return;
    }
    const last = this.#open !== null && this.#open.sequence === sequence ? this.#open : null;
    const transaction = last ?? this.#pending.find((pending) => pending.sequence === sequence);
    transaction?.waiting.push(run);
  }

  /** Ends the running event; its transaction is now pending. Null if it wrote nothing. */
  endEvent(): Transaction | null {
    const transaction = this.#open;
    if (transaction === null) return null;
    this.#open = null;
    const { writes, sequence } = transaction;
    const compared = sequence % COMPARED_EVERY === 0;
    transaction.change = changeOf(this.#sql, { before: this.#meta, writes, compared });
    this.#pending.push(transaction);
    return transaction;
  }

  /** The oldest pending transaction is durable now. What waited for it may leave afterwards. */
  makeDurable(): Transaction {
    const transaction = defined(this.#pending.shift(), "nothing is pending");
    this.#durable = transaction.sequence;
    this.#redo.push(...transaction.writes);
    if (transaction.change !== null) {
      this.mirror.apply(transaction.change);
      this.#durableMeta = transaction.change.meta;
    }
    if (this.#pending.length === 0 && this.#redo.length > REDO_MAX) {
      this.#sql.keep();
      this.#redo = [];
    }
    return transaction;
  }

  /** Takes everything that is not durable. */
  losePending(): number {
    assert(this.#open === null, "events are atomic");
    const lost = this.#pending.length;
    if (lost === 0) return 0;
    this.vanished += lost;
    this.#pending = [];
    this.#durable = this.#issued;
    this.#logReads.clear();
    this.#sql.goBack(this.#redo);
    return lost;
  }

  /** The object's storage is gone for good, as after `deleteAll`. The mirror keeps what there was. */
  wipe(): void {
    this.#pending = [];
    this.#durable = this.#issued;
    this.#redo = [];
    this.#durableMeta = null;
    this.#logReads.clear();
    this.#sql.wipe();
  }

  close(): void {
    this.#sql.close();
  }

  #write(writer: Writer, statement: string, bindings: readonly SqlValue[]): void {
    assertCurrent(writer);
    if (isLogWrite(statement)) this.#logReads.clear();
    try {
      this.#sql.run(statement, bindings);
    } catch (error) {
      this.#takeBack(this.#open?.writes.length ?? 0);
      throw error;
    }
    writer.written += 1;
    this.#begin().writes.push({ statement, bindings });
  }

  /** The running event has written no more than its first `count` writes. */
  #takeBack(count: number): void {
    if (this.#open !== null) this.#open.writes.length = count;
    this.#logReads.clear();
    const pending = this.#pending.flatMap(({ writes }) => writes);
    this.#sql.goBack([...this.#redo, ...pending, ...(this.#open?.writes ?? [])]);
  }

  #begin(): Transaction {
    if (this.#open === null) {
      this.#issued += 1;
      this.#open = { sequence: this.#issued, writes: [], change: null, alarmAt: undefined, waiting: [] };
    }
    return this.#open;
  }

  #transaction<T>(body: () => T): T {
    assert(!this.#inTransaction, "transactions are not re-entrant");
    const writesBefore = this.#open?.writes.length ?? 0;
    this.#inTransaction = true;
    try {
      return body();
    } catch (error) {
      if ((this.#open?.writes.length ?? 0) > writesBefore) this.#takeBack(writesBefore);
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }
}

/** The platform checks that an instance is the current one whenever it touches its storage. */
function assertCurrent(writer: Writer): void {
  if (!writer.isCurrent) throw new Error("this instance was superseded");
}
