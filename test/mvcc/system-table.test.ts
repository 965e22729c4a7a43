import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prefixEnd } from "../../src/base/bytes.ts";
import { INITIAL_MVCC_STATE, type MvccState } from "../../src/mvcc/mvcc-state.ts";
import { createSchema } from "../../src/mvcc/schema.ts";
import { exportChunk, finishImport, importChunk } from "../../src/mvcc/snapshot.ts";
import { SNAPSHOT_START, type SnapshotCursor } from "../../src/mvcc/snapshot-types.ts";
import { SYSTEM_PREFIX, systemKey } from "../../src/mvcc/system-keys.ts";
import { SystemTable } from "../../src/mvcc/system-table.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { bytes } from "./harness.ts";

class Bench {
  readonly sql = new NodeSql();
  readonly counters = { systemOrd: 0 };
  pinned = false;
  table: SystemTable;

  constructor() {
    createSchema(this.sql);
    this.table = this.restarted();
  }

  /** What an instance without memory sees. */
  restarted(): SystemTable {
    this.table = new SystemTable(this.sql, 0, this.counters, () => this.pinned);
    return this.table;
  }

  contents(): Record<string, string> {
    return contentsOf(this.table);
  }

  /** The records as a receiver of the snapshot `state` gets them, read now. */
  received(state: MvccState): Record<string, string> {
    const receiver = new NodeSql();
    createSchema(receiver);
    for (let cursor: SnapshotCursor | null = SNAPSHOT_START; cursor !== null; ) {
      const chunk = exportChunk(this.sql, 0, { state }, cursor, 40);
      importChunk(receiver, 1, chunk);
      cursor = chunk.next;
    }
    const { systemOrd } = finishImport(receiver, 1, { state });
    return contentsOf(new SystemTable(receiver, 1, { systemOrd }, () => false));
  }

  rows(): number {
    return Number(this.sql.first("SELECT count(*) FROM system_0")?.[0]);
  }
}

function contentsOf(table: SystemTable): Record<string, string> {
  const decoder = new TextDecoder();
  return Object.fromEntries(
    [...table.all()].map(({ key, value }) => [decoder.decode(key), decoder.decode(value)]),
  );
}

const key = (name: string) => systemKey(SYSTEM_PREFIX.user, bytes(name));

describe("records of the group", () => {
  test("the newest version counts, a deletion ends it", () => {
    const { table } = new Bench();
    table.put(key("a"), bytes("1"));
    table.put(key("a"), bytes("2"));
    expect(table.get(key("a"))).toEqual(bytes("2"));
    expect(table.delete(key("a"))).toBe(true);
    expect(table.delete(key("a"))).toBe(false);
    expect(table.get(key("a"))).toBeNull();
  });

  test("a page holds one prefix only", () => {
    const { table } = new Bench();
    table.put(key("b"), bytes("1"));
    table.put(systemKey(SYSTEM_PREFIX.token, bytes("t")), bytes("2"));
    const page = table.page(SYSTEM_PREFIX.user, prefixEnd(SYSTEM_PREFIX.user), 9);
    expect(page).toEqual([{ key: key("b"), value: bytes("1") }]);
  });

  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("put"), name: fc.constantFrom("a", "b", "c") }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("delete"), name: fc.constantFrom("a", "b", "c") }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom("pin", "unpin", "collect", "restart"),
        name: fc.constant(""),
      }),
    },
  );

  test("whatever happens meanwhile, a snapshot is what stood when it was pinned", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const bench = new Bench();
        const model = new Map<string, string>();
        let pinned: { readonly state: MvccState; readonly contents: Record<string, string> } | null = null;
        const contents = () =>
          Object.fromEntries(
            [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [`user/${k}`, v]),
          );
        for (const [at, { kind, name }] of steps.entries()) {
          if (kind === "put") {
            bench.table.put(key(name), bytes(String(at)));
            model.set(name, String(at));
          } else if (kind === "delete") {
            expect(bench.table.delete(key(name))).toBe(model.delete(name));
          } else if (kind === "pin" && pinned === null) {
            const state = { ...INITIAL_MVCC_STATE, systemOrd: bench.counters.systemOrd };
            pinned = { state, contents: contents() };
            bench.pinned = true;
          } else if (kind === "collect") {
            if (bench.table.hasGarbage()) bench.table.collectGarbage(2);
          } else if (kind !== "pin") {
            if (kind === "restart") bench.restarted();
            pinned = null;
            bench.pinned = false;
          }
          expect(bench.contents()).toEqual(contents());
          if (pinned !== null) expect(bench.received(pinned.state)).toEqual(pinned.contents);
        }
        bench.pinned = false;
        while (bench.table.hasGarbage()) bench.table.collectGarbage(2);
        expect(bench.contents()).toEqual(contents());
        expect(bench.rows()).toBe(model.size);
      }),
      { numRuns: 300 },
    );
  });
});
