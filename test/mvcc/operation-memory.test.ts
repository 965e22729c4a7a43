import { afterEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { exportChunk, finishImport, importChunk } from "../../src/mvcc/snapshot.ts";
import { SNAPSHOT_START, type SnapshotCursor } from "../../src/mvcc/snapshot-types.ts";
import type { Command } from "../../src/wire/gen/edged_pb.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";
import { bytes, deleteOf, operationId, putOf, Store } from "./harness.ts";

let restore = (): void => undefined;
afterEach(() => restore());

const WINDOW = LIMITS.dedupOperationsMax;

/** Applies `count` puts without ids: they move the window and nothing else. */
function fill(store: Store, count: number): void {
  const one = putOf({ key: bytes("filler") });
  for (let left = count; left > 0; left -= 512)
    store.apply(...new Array<Command>(Math.min(left, 512)).fill(one));
}

function rowsOf(store: Store): unknown {
  return store.sql.first("SELECT count(*) FROM dedup_0")?.[0];
}

describe("a command that comes again", () => {
  it("is answered as the first time and changes nothing, also after a restart", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a"), value: bytes("1") }));
    const command = putOf({ key: bytes("a"), value: bytes("2"), prevKv: true }, operationId(1, 1));
    const first = store.apply(command);
    store.apply(putOf({ key: bytes("a"), value: bytes("3") }));
    const state = store.machine.state();
    expect(store.apply(command).outcomes).toEqual(first.outcomes);
    store.reload();
    expect(store.apply(command).outcomes).toEqual(first.outcomes);
    expect(store.machine.state()).toEqual({ ...state, sequence: state.sequence + 2 });
  });

  it("is recognised within its own log entry", () => {
    const store = new Store();
    const command = putOf({ key: bytes("a") }, operationId(1, 0));
    const { outcomes, revisionAfter } = store.apply(command, command);
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(revisionAfter).toBe(2);
  });

  it("is refused again if it was refused, whatever has changed since", () => {
    const store = new Store();
    const command = putOf({ key: bytes("a"), ignoreValue: true }, operationId(1, 0));
    const refused = { kind: "rejected", error: "keyNotFound", revision: 1 };
    expect(store.apply(command).outcomes).toEqual([refused]);
    store.apply(putOf({ key: bytes("a") }));
    expect(store.apply(command).outcomes).toEqual([refused]);
  });

  it("gets only the header when its answer was too long to remember", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a"), value: new Uint8Array(LIMITS.dedupAnswerBytesMax) }));
    const command = deleteOf({ key: bytes("a"), prevKv: true }, operationId(1, 1));
    expect(store.apply(command).outcomes).toMatchObject([{ kind: "applied", revision: 3, complete: true }]);
    expect(store.apply(command).outcomes).toMatchObject([{ kind: "applied", revision: 3, complete: false }]);
    expect(store.machine.state().revision).toBe(3);
  });

  it("gets only the header when the answers of its entry are too long together", () => {
    // Answers to puts are four bytes each.
    restore = overrideLimits({ dedupEntryBytesMax: 8 });
    const store = new Store();
    const puts = [1, 2, 3].map((id) => putOf({ key: bytes("a") }, operationId(id, 0)));
    const isComplete = () =>
      store.apply(...puts).outcomes.map((one) => one.kind === "applied" && one.complete);
    expect([isComplete(), isComplete()]).toEqual([
      [true, true, true],
      [true, true, false],
    ]);
    // Each entry begins anew.
    const later = putOf({ key: bytes("a") }, operationId(4, 0));
    expect([store.apply(later).outcomes, store.apply(later).outcomes]).toMatchObject([
      [{ complete: true }],
      [{ complete: true }],
    ]);
  });

  it("is run every time without an id", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a") }), putOf({ key: bytes("a") }));
    expect(store.machine.state().revision).toBe(3);
    expect(rowsOf(store)).toBe(0);
  });
});

describe("the window", () => {
  it("ends exactly: the last command that finds its original, and the first that is superseded", () => {
    for (const [between, kind] of [
      [WINDOW - 1, "applied"],
      [WINDOW, "superseded"],
    ] as const) {
      const store = new Store();
      const command = putOf({ key: bytes("a") }, operationId(1, 0));
      store.apply(command);
      fill(store, between);
      const { revision } = store.machine.state();
      expect(store.apply(command).outcomes, `${between} in between`).toMatchObject([{ kind }]);
      expect(store.machine.state().revision).toBe(revision);
    }
  });

  it("runs a command that is late but never came before, as long as it could have been remembered", () => {
    const store = new Store();
    fill(store, WINDOW + 5);
    expect(store.apply(putOf({ key: bytes("a") }, operationId(1, 6))).outcomes).toMatchObject([
      { kind: "applied" },
    ]);
    expect(store.apply(putOf({ key: bytes("a") }, operationId(2, 6))).outcomes).toMatchObject([
      { kind: "superseded" },
    ]);
  });

  it("is left by an id that then may come again, and is found where it came last", () => {
    // Ids that left the window are forgotten many at a time: after 30 commands one is for a while not yet.
    for (const [before, between] of [
      [0, WINDOW],
      [30, WINDOW],
      [30, WINDOW + 10],
      [30, WINDOW + 200],
    ] as const) {
      const store = new Store();
      fill(store, before);
      store.apply(putOf({ key: bytes("a") }, operationId(1, 0)));
      fill(store, between - 20);
      fill(store, 20);
      const { revision, sequence } = store.machine.state();
      const again = putOf({ key: bytes("b") }, operationId(1, sequence));
      const first = store.apply(again).outcomes;
      expect(first, `${between} in between`).toMatchObject([{ kind: "applied", revision: revision + 1 }]);
      fill(store, 300);
      expect(store.apply(again).outcomes).toEqual(first);
      store.reload();
      expect(store.apply(again).outcomes).toEqual(first);
    }
  });

  it("never runs a retry twice: what is not superseded is remembered, for every gap between mint and apply", () => {
    for (const mintedBefore of [0, 1, 100]) {
      const store = new Store();
      const command = putOf({ key: bytes("a") }, operationId(1, 0));
      fill(store, mintedBefore);
      store.apply(command);
      fill(store, WINDOW - mintedBefore);
      const { revision } = store.machine.state();
      for (let times = 0; times < 3; times += 1) store.apply(command);
      expect(store.machine.state().revision).toBe(revision);
    }
  });

  it("keeps the rows bounded, and pruning changes nothing that is remembered", () => {
    const [store, restarted] = [new Store(), new Store()];
    for (let id = 0; id < 3 * WINDOW; id += 512) {
      const commands = Array.from({ length: 512 }, (_, i) =>
        putOf({ key: bytes("a") }, operationId(id + i, id)),
      );
      for (const one of [store, restarted]) one.apply(...commands);
      if (id % (8 * 512) === 0) restarted.reload();
    }
    expect(rowsOf(store)).toBeLessThanOrEqual(WINDOW / 512 + 1);
    expect(restarted.machine.hash()).toBe(store.machine.hash());
    const oldest = 2 * WINDOW + 1;
    for (const one of [store, restarted]) {
      const { revision } = one.machine.state();
      expect(one.apply(putOf({ key: bytes("a") }, operationId(oldest, oldest))).outcomes).toMatchObject([
        { kind: "applied", revision: oldest + 2 },
      ]);
      expect(one.machine.state().revision).toBe(revision);
    }
  });

  it.each([
    { dedupRecentBytesMax: 0, rows: 2 },
    { dedupRecentBytesMax: 2_048, rows: 0 },
  ])("is not cut short by pruning while a snapshot of the past is being sent: %o", ({ rows, ...limits }) => {
    restore = overrideLimits(limits);
    const sender = new Store();
    const command = putOf({ key: bytes("a") }, operationId(1, 0));
    sender.apply(command);
    sender.apply(putOf({ key: bytes("b") }, operationId(2, 1)));
    const bounds = sender.machine.pin();
    // The sender moves on until it has forgotten the command; the receiver has not come so far.
    fill(sender, WINDOW + 1_000);
    sender.apply(putOf({ key: bytes("b") }, operationId(3, WINDOW)));
    const receiver = new Store();
    let cursor: SnapshotCursor | null = SNAPSHOT_START;
    while (cursor !== null) {
      const chunk = exportChunk(sender.sql, 0, bounds, cursor, 1_000);
      importChunk(receiver.sql, 1, chunk);
      cursor = chunk.next;
    }
    const received = new Store(receiver.sql, finishImport(receiver.sql, 1, bounds));
    expect(received.apply(command).outcomes).toMatchObject([{ kind: "applied", revision: 2 }]);
    expect(received.machine.state().revision).toBe(3);
    sender.machine.unpin(bounds);
    fill(sender, 100);
    expect(rowsOf(sender)).toBe(rows);
  });
});
