/** Answers that are remembered beside the counters before they get a row: where they are makes no difference. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { ApplyOutcome } from "../../src/mvcc/apply-outcome.ts";
import { beginImport, exportChunk, finishImport, importChunk } from "../../src/mvcc/snapshot.ts";
import { SNAPSHOT_START, type SnapshotBounds, type SnapshotCursor } from "../../src/mvcc/snapshot-types.ts";
import type { Command } from "../../src/wire/gen/edged_pb.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";
import { bytes, dataOf, operationId, putOf, Store } from "./harness.ts";

/** An answer to a put is some 30 bytes. */
const RECENT_BYTES = [0, 40, 200, 2_048] as const;

let restore = (): void => undefined;
afterEach(() => restore());

const put = (id: number) => putOf({ key: bytes(`k${id % 3}`) }, operationId(id, 0));

function rowsOf(store: Store): unknown {
  const { generation } = store.machine.state();
  return store.sql.first(`SELECT count(*) FROM dedup_${generation}`)?.[0];
}

/** A new store out of what the pinned one sends. */
function received(sender: Store, bounds: SnapshotBounds, bytesMax: number): Store {
  const receiver = new Store();
  expect(beginImport(receiver.sql, 1)).toBe(true);
  let cursor: SnapshotCursor | null = SNAPSHOT_START;
  let last = -1;
  while (cursor !== null) {
    const chunk = exportChunk(sender.sql, bounds.state.generation, bounds, cursor, bytesMax);
    for (const row of chunk.table === "dedup" ? chunk.rows : []) {
      expect(Number(row[0]), "each row is sent once").toBeGreaterThan(last);
      last = Number(row[0]);
    }
    // The call may have been made twice.
    importChunk(receiver.sql, 1, chunk);
    importChunk(receiver.sql, 1, chunk);
    cursor = chunk.next;
  }
  return new Store(receiver.sql, finishImport(receiver.sql, 1, bounds));
}

describe("answers without a row", () => {
  it("go to one row when they are many, and are told from there and from memory", () => {
    const store = new Store();
    const answers = Array.from({ length: 200 }, (_, id) => store.apply(put(id)).outcomes);
    expect(Number(rowsOf(store))).toBeLessThan(5);
    expect(store.machine.state().recent?.answers.length).toBeGreaterThan(0);
    for (const restarted of [false, true]) {
      if (restarted) store.reload();
      expect(answers.map((_, id) => store.apply(put(id)).outcomes)).toEqual(answers);
    }
    expect(store.machine.state().revision).toBe(201);
  });

  it("are in a snapshot as they were when it was pinned, without what came after them into the same row", () => {
    restore = overrideLimits({ dedupRecentBytesMax: 100 });
    const sender = new Store();
    const before = [1, 2].map((id) => sender.apply(put(id)).outcomes);
    const bounds = sender.machine.pin();
    const after = [3, 4, 5, 6].map((id) => sender.apply(put(id)).outcomes);
    expect(rowsOf(sender)).toBe(1);
    const receiver = received(sender, bounds, 1_000);
    // These are in the log that follows the snapshot: what was not run here must be.
    expect([3, 4, 5, 6].map((id) => receiver.apply(put(id)).outcomes)).toEqual(after);
    expect(receiver.machine.hash()).toBe(sender.machine.hash());
    expect([1, 2].map((id) => receiver.apply(put(id)).outcomes)).toEqual(before);
    expect(receiver.machine.state().revision).toBe(7);
  });

  it("are never changed once they were handed out", () => {
    const store = new Store();
    store.apply(put(1));
    const { recent } = store.machine.state();
    const copy = recent?.answers.slice();
    for (let id = 2; id < 100; id += 1) store.apply(put(id));
    expect(recent?.answers).toEqual(copy);
  });

  it("keep an entry whose answers are long", () => {
    const store = new Store();
    store.apply(put(1));
    const value = new Uint8Array(3_000).fill(7);
    store.apply(putOf({ key: bytes("k1"), value }));
    const long = putOf({ key: bytes("k1"), prevKv: true }, operationId(2, 0));
    const { outcomes } = store.apply(long);
    expect(store.machine.state().recent).toBe(null);
    expect(store.apply(long).outcomes).toEqual(outcomes);
    expect(store.apply(put(1)).outcomes).toMatchObject([{ revision: 2 }]);
  });
});

type Step =
  | { readonly kind: "entry"; readonly ids: readonly number[] }
  | { readonly kind: "restart" | "pin" | "unpin" }
  | { readonly kind: "flip"; readonly bytesMax: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("entry" as const),
      // Few ids: many come again. -1 has none.
      ids: fc.array(fc.integer({ min: -1, max: 60 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("restart", "pin", "unpin") }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("flip" as const), bytesMax: fc.constantFrom(1, 200, 9_999) }),
  },
);

/** Runs the steps; a flip goes on with who pulled the pinned snapshot and replayed the log after it. */
function run(steps: readonly Step[]): readonly unknown[] {
  let store = new Store();
  let pinned: SnapshotBounds | null = null;
  let since: (readonly Command[])[] = [];
  const told: ApplyOutcome[][] = [];
  for (const one of steps) {
    if (one.kind === "entry") {
      const commands = one.ids.map((id) => (id < 0 ? putOf({ key: bytes("none") }) : put(id)));
      told.push([...store.applyData(dataOf(commands)).outcomes]);
      since.push(commands);
    } else if (one.kind === "restart") {
      store.reload();
      pinned = null;
    } else if (one.kind === "pin" && pinned === null) {
      pinned = store.machine.pin();
      since = [];
    } else if (one.kind === "unpin" && pinned !== null) {
      store.machine.unpin(pinned);
      pinned = null;
    } else if (one.kind === "flip" && pinned !== null) {
      const receiver = received(store, pinned, one.bytesMax);
      for (const commands of since) receiver.apply(...commands);
      expect(receiver.machine.hash()).toBe(store.machine.hash());
      store = receiver;
      pinned = null;
    }
  }
  return [told, store.machine.hash()];
}

it("whatever happens, the same is remembered wherever answers are", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const runs = RECENT_BYTES.map((dedupRecentBytesMax) => {
        restore = overrideLimits({ dedupRecentBytesMax, dedupOperationsMax: 90 });
        try {
          return run(steps);
        } finally {
          restore();
        }
      });
      for (const other of runs) expect(other).toEqual(runs[0]);
    }),
    { numRuns: 150 },
  );
});
