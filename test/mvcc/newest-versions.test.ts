/** A table that remembers newest versions against one that looks everything up. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Sql } from "../../src/base/sql.ts";
import { GarbageCollector } from "../../src/mvcc/garbage-collector.ts";
import { KvTable } from "../../src/mvcc/kv-table.ts";
import { NewestVersions } from "../../src/mvcc/newest-versions.ts";
import { createSchema } from "../../src/mvcc/schema.ts";
import type { Version } from "../../src/mvcc/version.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";
import { bytes } from "./harness.ts";

/** The last two keys are longer than what is remembered by then; so are the last two values. */
const KEYS = ["a", "b", "c", "d", "\u00ff", "a\u0000", "longer", "longest"];
const VALUES = ["", "v", "val", "value", "values and values"];
const LIMITS_OF_TEST = { newestKeyBytesMax: 3, newestValueBytesMax: 4 };

let restore = (): void => undefined;
afterEach(() => restore());

type Action =
  | { readonly kind: "put"; readonly key: number; readonly value: number; readonly lease: boolean }
  | { readonly kind: "delete"; readonly key: number }
  | { readonly kind: "read"; readonly key: number; readonly back: number; readonly withValue: boolean }
  | { readonly kind: "collect"; readonly back: number; readonly rows: number }
  | { readonly kind: "reload" };

const key = fc.nat(KEYS.length - 1);
const back = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(12) });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key,
      value: fc.nat(VALUES.length - 1),
      lease: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("read" as const), key, back, withValue: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("collect" as const),
      back: fc.nat(3),
      rows: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "reload" as const }) },
);

/** A database that counts what is looked up in it. */
class CountingSql {
  readonly sql = new NodeSql();
  readonly port: Sql;
  lookups = 0;

  constructor() {
    const { sql } = this;
    createSchema(sql);
    this.port = {
      run: (...statement) => sql.run(...statement),
      all: (...statement) => sql.all(...statement),
      first: (...statement) => {
        this.lookups += 1;
        return sql.first(...statement);
      },
      transaction: (body) => sql.transaction(body),
      turn: (body) => sql.turn(body),
      sizeBytes: () => sql.sizeBytes(),
    };
  }
}

class Run {
  readonly sql = new NodeSql();
  readonly #plain = new KvTable(this.sql, 0);
  #table = new KvTable(this.sql, 0, new NewestVersions(0));
  #collector = new GarbageCollector(this.sql, this.#plain, 0);
  #compacted = 0;
  #ord = 0;

  constructor() {
    createSchema(this.sql);
  }

  step(one: Action): void {
    switch (one.kind) {
      case "put":
        this.#put(one.key, VALUES[one.value] ?? "", one.lease);
        return;
      case "delete":
        this.#delete(one.key);
        return;
      case "read":
        this.expectEqual(one.key, Math.max(0, this.#ord - one.back), one.withValue);
        return;
      case "collect":
        // Each version is a revision of its own here.
        this.#compacted = Math.max(this.#compacted, this.#ord - one.back);
        this.#collector.collect(this.#compacted, this.#ord, one.rows);
        return;
      case "reload":
        this.#table = new KvTable(this.sql, 0, new NewestVersions(this.#ord));
        return;
    }
  }

  #put(place: number, value: string, hasLease: boolean): void {
    const previous = this.#plain.live(keyAt(place), this.#ord, false);
    this.#append(place, {
      createMain: previous?.createMain ?? this.#ord + 1,
      version: (previous?.version ?? 0) + 1,
      lease: hasLease ? new Uint8Array(8).fill(7) : null,
      value: bytes(value),
    });
  }

  #delete(place: number): void {
    if (this.#plain.live(keyAt(place), this.#ord, false) === null) return;
    this.#append(place, { createMain: 0, version: 0, lease: null, value: null });
  }

  /** The key and the value are parts of something larger, which is used for something else afterwards. */
  #append(place: number, written: Omit<Version, "ord" | "main" | "key">): void {
    this.#ord += 1;
    const [mine, value] = [keyAt(place), written.value];
    this.#table.append({ ...written, ord: this.#ord, main: this.#ord, key: mine }, 0);
    mine.fill(0x7a);
    value?.fill(0x7a);
  }

  expectEqual(place: number, bound: number, withValue: boolean): void {
    const expected = this.#plain.live(keyAt(place), bound, withValue);
    expect(this.#table.live(keyAt(place), bound, withValue)).toEqual(expected);
  }

  /** Whatever is remembered at the end holds for every moment of the past. */
  finish(): void {
    for (let bound = this.#ord; bound >= 0; bound -= 1) {
      for (let place = 0; place < KEYS.length; place += 1) {
        for (const withValue of [false, true]) this.expectEqual(place, bound, withValue);
      }
    }
  }
}

function keyAt(place: number): Uint8Array {
  return Uint8Array.from(KEYS[place] ?? "", (character) => character.charCodeAt(0));
}

describe("a table that remembers newest versions", () => {
  it.each([0, 600, 2_500, 1024 * 1024])(
    "answers what one answers that looks everything up, with %d bytes",
    (newestVersionsBytesMax) => {
      restore = overrideLimits({ ...LIMITS_OF_TEST, newestVersionsBytesMax });
      fc.assert(
        fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
          const run = new Run();
          for (const one of actions) run.step(one);
          run.finish();
          run.sql.close();
        }),
        { numRuns: 150 },
      );
    },
  );
});

describe("what is looked up", () => {
  let database: CountingSql;
  let ord: number;
  beforeEach(() => {
    database = new CountingSql();
    ord = 0;
  });

  const open = () => new KvTable(database.port, 0, new NewestVersions(ord));
  const append = (table: KvTable, name: string, value: string | null): void => {
    ord += 1;
    const [version, createMain] = value === null ? [0, 0] : [1, ord];
    const content = value === null ? null : bytes(value);
    table.append({ ord, main: ord, key: bytes(name), createMain, version, lease: null, value: content }, 0);
  };
  /** How often the database was asked for `name`. */
  const lookups = (table: KvTable, name: string, withValue: boolean, bound = ord): number => {
    const before = database.lookups;
    table.live(bytes(name), bound, withValue);
    return database.lookups - before;
  };

  it("is nothing of a key that was just written or deleted", () => {
    const table = open();
    append(table, "a", "1");
    append(table, "b", "2");
    append(table, "b", null);
    expect([lookups(table, "a", true), lookups(table, "a", false), lookups(table, "b", true)]).toEqual([
      0, 0, 0,
    ]);
  });

  it("is a key once, be it there or not", () => {
    append(open(), "a", "1");
    const table = open();
    for (const name of ["a", "missing"]) {
      expect([lookups(table, name, true), lookups(table, name, true), lookups(table, name, false)]).toEqual([
        1, 0, 0,
      ]);
    }
  });

  it("is a value once, when it is wanted the first time", () => {
    append(open(), "a", "1");
    const table = open();
    const asked = [false, false, true, true].map((withValue) => lookups(table, "a", withValue));
    expect(asked).toEqual([1, 0, 1, 0]);
  });

  it("is the past, and what is read of the past is not taken for the present", () => {
    append(open(), "a", "1");
    append(open(), "a", "2");
    const table = open();
    expect([lookups(table, "a", true, 1), lookups(table, "a", true, 1)]).toEqual([1, 1]);
    expect([lookups(table, "a", true), lookups(table, "a", true)]).toEqual([1, 0]);
  });

  it("is a large value each time, but not that there is one", () => {
    restore = overrideLimits(LIMITS_OF_TEST);
    const table = open();
    append(table, "a", "value");
    append(table, "longer", "v");
    expect([lookups(table, "a", false), lookups(table, "a", true), lookups(table, "a", true)]).toEqual([
      0, 1, 1,
    ]);
    expect(lookups(table, "longer", false)).toBe(1);
  });

  it("is again what nobody asked for while many others were", () => {
    // Three keys of one byte with values of two fill a half.
    restore = overrideLimits({ newestVersionsBytesMax: 3_200 });
    const table = open();
    for (const name of ["a", "b", "c"]) append(table, name, "vv");
    // "a" is asked for all the time, "b" never.
    for (const name of ["d", "e", "f", "g", "h", "i"]) {
      append(table, name, "vv");
      expect(lookups(table, "a", true)).toBe(0);
    }
    expect([lookups(table, "b", true), lookups(table, "i", true)]).toEqual([1, 0]);
  });
});
