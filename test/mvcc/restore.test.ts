/** A backup of any store, restored in parts, is that store again, whatever happens between the parts. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashSlice } from "../../src/mvcc/hash-slice.ts";
import { INITIAL_MVCC_STATE, otherGeneration } from "../../src/mvcc/mvcc-state.ts";
import { backupRows } from "../../src/mvcc/restore/backup-slice.ts";
import { beginImport, exportChunk, finishImport, importChunk } from "../../src/mvcc/snapshot.ts";
import { SNAPSHOT_START, type SnapshotCursor } from "../../src/mvcc/snapshot-types.ts";
import {
  BackupHeaderSchema,
  type Command,
  CommandSchema,
  GroupRecordSchema,
  HashSliceSchema,
  type Restore,
  RestoreSchema,
} from "../../src/wire/gen/edged_pb.ts";
import { bytes, compactOf, deleteOf, putOf, Store, txnOf } from "./harness.ts";

const BACKUP = new Uint8Array(32).fill(7);

function hashOf(store: Store): unknown {
  const result = hashSlice(store.sql, store.machine.state(), create(HashSliceSchema));
  return result.ok ? { low: result.value.low, high: result.value.high, done: result.value.done } : result;
}

/** The parts of a restore of everything that `store` holds. */
function partsOf(store: Store, bytesMax: number): Restore[] {
  const bounds = store.machine.pin();
  const { revision, compactRevision, ord } = bounds.state;
  const header = create(BackupHeaderSchema, {
    revision: BigInt(revision),
    compactRevision: BigInt(compactRevision),
    ord: BigInt(ord),
  });
  const parts: Restore[] = [];
  for (let cursor: SnapshotCursor | null = SNAPSHOT_START; cursor !== null; ) {
    const { versions, records, next } = backupRows(store.sql, bounds, cursor, bytesMax);
    const part = BigInt(parts.length);
    parts.push(
      create(RestoreSchema, { backup: BACKUP, part, header, versions, records, last: next === null }),
    );
    cursor = next;
  }
  store.machine.unpin(bounds);
  return parts;
}

function restoreOf(value: Restore): Command {
  return create(CommandSchema, { request: { case: "restore", value } });
}

/** Applied: the parts so far; else the error. */
function restore(store: Store, part: Restore): string {
  const outcome = store.apply(restoreOf(part)).outcomes[0];
  return outcome?.kind === "rejected" ? outcome.error : String(outcome?.kind);
}

/** Another replica that gets what there is by snapshot, as one that was away in the middle. */
function follow(store: Store): Store {
  const bounds = store.machine.pin();
  const copy = new Store();
  const generation = otherGeneration(copy.machine.state().generation);
  expect(beginImport(copy.sql, generation)).toBe(true);
  for (let cursor: SnapshotCursor | null = SNAPSHOT_START; cursor !== null; ) {
    const chunk = exportChunk(store.sql, bounds.state.generation, bounds, cursor, 200);
    importChunk(copy.sql, generation, chunk);
    cursor = chunk.next;
  }
  store.machine.unpin(bounds);
  return new Store(copy.sql, finishImport(copy.sql, generation, bounds));
}

const key = fc.constantFrom("a", "b", "c", "d").map(bytes);
const write: fc.Arbitrary<(revision: number) => Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(key, fc.nat(60)).map(
      ([k, size]) =>
        () =>
          putOf({ key: k, value: new Uint8Array(size) }),
    ),
  },
  { weight: 2, arbitrary: key.map((k) => () => deleteOf({ key: k })) },
  { weight: 1, arbitrary: fc.constant(() => deleteOf({ key: bytes("a"), rangeEnd: bytes("z") })) },
  {
    weight: 2,
    arbitrary: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }).map(
      (keys) => () =>
        txnOf({
          success: keys.map((k) => ({ request: { case: "requestPut", value: { key: bytes(k) } } })),
        }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(6).map((back) => (revision: number) => compactOf(Math.max(1, revision - back))),
  },
);

describe("a restore", () => {
  it("makes the same store, on replicas that were there and on one that was away", () => {
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 40 }),
        fc.constantFrom(1, 100, 400, 100_000),
        fc.nat(100),
        fc.constantFrom(0, 3),
        (writes, bytesMax, away, collect) => {
          const source = new Store();
          for (const make of writes) {
            source.apply(make(source.machine.state().revision));
            if (collect > 0) source.collect(collect);
          }
          const parts = partsOf(source, bytesMax);
          const target = new Store();
          let other: Store | null = null;
          parts.forEach((part, i) => {
            if (i === away % parts.length) other = follow(target);
            expect(restore(target, part)).toBe("applied");
            // Nobody else is served, and a part that comes twice changes nothing.
            if (!part.last) {
              const before = target.machine.state();
              expect(target.do(putOf({ key: bytes("x") }))).toBe("restoring");
              expect(restore(target, part)).toBe("applied");
              target.reload();
              expect({ ...target.machine.state(), sequence: 0 }).toEqual({ ...before, sequence: 0 });
            }
            if (other !== null) {
              restore(other, part);
              if (!part.last) {
                other.do(putOf({ key: bytes("x") }));
                restore(other, part);
              }
              other.collect(2);
            }
          });
          // The answer to the last part was lost.
          const last = parts.at(-1);
          if (last !== undefined)
            for (const store of [target, other]) if (store !== null) restore(store, last);
          const { revision, compactRevision, ord } = source.machine.state();
          for (const store of [target, other as Store | null]) {
            if (store === null) continue;
            expect(store.machine.state()).toMatchObject({ revision, compactRevision, ord });
            expect(hashOf(store)).toEqual(hashOf(source));
            expect(store.machine.hash()).toBe(target.machine.hash());
            while (!store.collect(5));
            expect(hashOf(store)).toEqual(hashOf(source));
          }
          const next = putOf({ key: bytes("a"), value: bytes("next"), prevKv: true });
          expect(target.do(next)).toEqual(source.do(next));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("may be repeated when it is complete, until something is written", () => {
    const source = new Store();
    for (let i = 0; i < 5; i += 1) source.do(putOf({ key: bytes("a"), value: bytes(String(i)) }));
    const parts = partsOf(source, 1);
    const target = new Store();
    for (const part of parts) {
      expect(target.machine.isRestoring).toBe(!parts.slice(0, 1).includes(part));
      expect(restore(target, part)).toBe("applied");
    }
    expect(target.machine.isRestoring).toBe(false);
    target.reload();
    for (const part of parts) expect(restore(target, part)).toBe("applied");
    const { revision } = source.machine.state();
    expect(target.machine.state().revision).toBe(revision);
    target.do(putOf({ key: bytes("b") }));
    for (const part of parts) expect(restore(target, part)).toBe("restoreNotEmpty");
    expect(target.machine.state().revision).toBe(revision + 1);
    const [first] = parts;
    if (first === undefined) throw new Error("there are parts");
    const other = create(RestoreSchema, { ...first, backup: new Uint8Array(32) });
    expect(restore(target, other)).toBe("restoreNotEmpty");
  });

  it("is refused where there is something, in a wrong order, or for rows that are no history", () => {
    const source = new Store();
    for (let i = 0; i < 5; i += 1) source.do(putOf({ key: bytes("a"), value: bytes(String(i)) }));
    const [first, second] = partsOf(source, 1);
    if (first === undefined || second === undefined) throw new Error("there are several parts");
    const used = new Store();
    used.do(putOf({ key: bytes("a") }));
    expect(restore(used, first)).toBe("restoreNotEmpty");
    const target = new Store();
    expect(restore(target, second)).toBe("restoreOrder");
    expect(restore(target, create(RestoreSchema, { backup: BACKUP }))).toBe("invalidBackup");
    const backwards = create(RestoreSchema, {
      ...first,
      versions: [...second.versions, ...first.versions],
    });
    expect(restore(target, backwards)).toBe("invalidBackup");
    const foreign = create(RestoreSchema, {
      ...first,
      records: [create(GroupRecordSchema, { key: bytes("member/1") })],
    });
    expect(restore(target, foreign)).toBe("invalidBackup");
    expect(target.machine.state()).toMatchObject({ ...INITIAL_MVCC_STATE, sequence: expect.any(Number) });
    expect(restore(target, first)).toBe("applied");
    expect(restore(target, create(RestoreSchema, { ...second, backup: new Uint8Array(32) }))).toBe(
      "restoreNotEmpty",
    );
  });
});
