/** The store's history as watchers see it: one change after another, in the order they were made. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Sql, SqlRow } from "../../base/sql.ts";
import { Event_EventType, EventSchema, KeyValueSchema } from "../../wire/gen/etcd/kv_pb.ts";
import { blob, blobOrNull, integer } from "../columns.ts";
import { KvTable } from "../kv-table.ts";
import type { Generation, MvccState } from "../mvcc-state.ts";
import { toKeyValue, type Version } from "../version.ts";

/** One version, and its place within the revision that wrote it. Its value is not read yet. */
export interface Change extends Version {
  readonly sub: number;
}

/** A change as it is told. */
export interface ChangeEvent {
  /** An encoded `mvccpb.Event` without the previous pair. */
  readonly event: Uint8Array;
  /** The encoded `mvccpb.KeyValue` as of the revision before; null: there was none, or it is compacted. */
  readonly prevKv: Uint8Array | null;
}

interface HistoryStatements {
  /** Binds: ord, rows at most. */
  readonly changes: string;
}

function historyStatements(generation: Generation): HistoryStatements {
  return {
    changes: `SELECT ord, main, sub, key, create_main, version, lease FROM kv_${generation}
      WHERE ord > ? ORDER BY ord LIMIT ? + 0`,
  };
}

export const HISTORY_STATEMENTS: Readonly<Record<Generation, HistoryStatements>> = {
  0: historyStatements(0),
  1: historyStatements(1),
};

/** Reads the history of one store. Cheap: made anew for every read. */
export class History {
  readonly state: MvccState;
  readonly #sql: Sql;
  readonly #table: KvTable;
  readonly #changes: string;

  constructor(sql: Sql, state: MvccState) {
    this.state = state;
    this.#sql = sql;
    this.#table = new KvTable(sql, state.generation);
    this.#changes = HISTORY_STATEMENTS[state.generation].changes;
  }

  /** Up to `rowsMax` changes behind position `ord`, in order. */
  changesAfter(ord: number, rowsMax: number): Change[] {
    return this.#sql.all(this.#changes, ord, rowsMax).map(toChange);
  }

  /** The position before the change at place `sub` of `revision`; `revision` may be yet to come. */
  positionBefore(revision: number, sub: number): number {
    const { ord } = this.state;
    if (revision > this.state.revision) return ord;
    const before = this.#table.ordOfRevision(revision - 1, ord);
    if (sub === 0) return before;
    const [first] = this.changesAfter(before, 1);
    // Positions within a revision are dense, those that were collected counted too.
    return first === undefined || first.main !== revision ? before : first.ord - first.sub + sub - 1;
  }

  /** The change with its value, and with the pair that it replaced if that is wanted. */
  event(change: Change, withPrevKv: boolean): ChangeEvent {
    return {
      event: toBinary(EventSchema, create(EventSchema, this.#content(change))),
      prevKv: withPrevKv ? this.#prevKv(change) : null,
    };
  }

  #content(change: Change) {
    if (change.version === 0) {
      const kv = create(KeyValueSchema, { key: change.key, modRevision: BigInt(change.main) });
      return { type: Event_EventType.DELETE, kv };
    }
    const value = this.#table.value(change.ord);
    return { type: Event_EventType.PUT, kv: toKeyValue({ ...change, value }) };
  }

  #prevKv(change: Change): Uint8Array | null {
    if (change.main - 1 < this.state.compactRevision) return null;
    const before = this.#table.live(change.key, change.ord - change.sub - 1, true);
    return before === null ? null : toBinary(KeyValueSchema, toKeyValue(before));
  }
}

/** What an event adds to an answer, in bytes (rounded up). */
export function eventBytes({ event, prevKv }: ChangeEvent): number {
  return event.length + (prevKv?.length ?? 0) + EVENT_OVERHEAD_BYTES;
}

const EVENT_OVERHEAD_BYTES = 64;

function toChange(row: SqlRow): Change {
  return {
    ord: integer(row, 0),
    main: integer(row, 1),
    sub: integer(row, 2),
    key: blob(row, 3),
    createMain: integer(row, 4),
    version: integer(row, 5),
    lease: blobOrNull(row, 6),
    value: null,
  };
}
