/** What a replica finds in history for a watch call. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { readWatch } from "../../src/engine/watch-reader.ts";
import { bytes, compactOf, deleteOf, putOf, txnOf } from "../mvcc/harness.ts";
import { callOf, lines, rangeOf, WatchStore } from "./watch-store.ts";

const put = (key: string, value: string) => putOf({ key: bytes(key), value: bytes(value) });
const del = (key: string, rangeEnd = "") => deleteOf({ key: bytes(key), rangeEnd: bytes(rangeEnd) });
const ALL = { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) };

function found(store: WatchStore, ...parameters: Parameters<typeof callOf>) {
  return readWatch(store.history(), callOf(...parameters));
}

function txn(...operations: readonly (readonly [string, string])[]) {
  return txnOf({
    success: operations.map(([key, value]) => ({
      request: { case: "requestPut", value: { key: bytes(key), value: bytes(value) } },
    })),
  });
}

describe("history", () => {
  test("is told from the first position asked for, to each range what it wants", () => {
    const watched = new WatchStore();
    watched.apply(put("a", "1"), put("b", "2"), put("a", "3"), del("a"));
    const answer = found(watched, [rangeOf("a", 2, { prevKv: true }), rangeOf("", 3, ALL)]);
    expect(lines(answer)).toEqual([
      "2.0 a=1 to 0",
      "3.0 b=2 to 1",
      "4.0 a=3 (1) to 0,1",
      "5.0 a! (3) to 0,1",
    ]);
    expect(answer.next).toEqual({ revision: 6, sub: 0 });
  });

  test("filters leave out puts or deletions", () => {
    const watched = new WatchStore();
    watched.apply(put("a", "1"), del("a"), put("a", "2"));
    expect(lines(found(watched, [rangeOf("a", 1, { noPut: true })]))).toEqual(["3.0 a! to 0"]);
    expect(lines(found(watched, [rangeOf("a", 1, { noDelete: true })]))).toHaveLength(2);
    expect(lines(found(watched, [rangeOf("a", 1, { noPut: true, noDelete: true })]))).toEqual([]);
  });

  test("positions yet to come are waited for, and progress is never beyond what is applied", () => {
    const watched = new WatchStore();
    watched.apply(put("a", "1"));
    const answer = found(watched, [rangeOf("a", 50)]);
    expect(answer).toMatchObject({ events: [], next: { revision: 3, sub: 0 }, compacted: [] });
  });

  test("below the compacted revision there is none, at it there is", () => {
    const watched = new WatchStore();
    watched.apply(put("a", "1"), put("a", "2"), put("a", "3"), compactOf(3));
    while (!watched.store.collect(1));
    const answer = found(watched, [rangeOf("a", 2), rangeOf("a", 3, { prevKv: true }), rangeOf("a", 4)]);
    expect(answer.compacted).toEqual([0]);
    expect(answer.compactRevision).toBe(3);
    expect(lines(answer)).toEqual(["3.0 a=2 to 1", "4.0 a=3 (2) to 1,2"]);
  });

  test("a negative position is compacted even where nothing ever was", () => {
    const answer = found(new WatchStore(), [rangeOf("a", -5)]);
    expect(answer).toMatchObject({ compacted: [0], compactRevision: -1 });
  });

  test("both events of one transaction on one key show the pair from before it", () => {
    const watched = new WatchStore();
    watched.apply(put("m", "0"));
    watched.apply(
      txnOf({
        success: [
          { request: { case: "requestPut", value: { key: bytes("m"), value: bytes("1") } } },
          {
            request: {
              case: "requestDeleteRange",
              value: { key: bytes("m"), rangeEnd: new Uint8Array([0]) },
            },
          },
        ],
      }),
    );
    expect(lines(found(watched, [rangeOf("m", 3, { prevKv: true })]))).toEqual([
      "3.0 m=1 (0) to 0",
      "3.1 m! (0) to 0",
    ]);
  });
});

describe("an answer", () => {
  const value = "x".repeat(300);

  test("ends with a whole revision where the next does not fit", () => {
    const watched = new WatchStore();
    watched.apply(put("a", value), txn(["a", value], ["b", value]), put("c", value));
    const answer = found(watched, [rangeOf("", 2, ALL)], { bytesMax: 1_000 });
    expect(answer.events.map(({ at }) => at)).toEqual([{ revision: 2, sub: 0 }]);
    expect(answer.next).toEqual({ revision: 3, sub: 0 });
  });

  test("cuts a revision only if that alone is too large, and goes on within it", () => {
    const watched = new WatchStore();
    watched.apply(txn(["a", value], ["b", value], ["c", value]), put("d", value));
    const first = found(watched, [rangeOf("", 2, ALL)], { bytesMax: 500 });
    expect(first.events.map(({ at }) => at.sub)).toEqual([0, 1]);
    expect(first.next).toEqual({ revision: 2, sub: 2 });
    const second = found(watched, [rangeOf("", first.next, ALL)], { bytesMax: 500 });
    expect(second.events.map(({ at }) => at)).toEqual([{ revision: 2, sub: 2 }]);
    expect(second.next).toEqual({ revision: 3, sub: 0 });
  });

  test("of a long search tells how far it came", () => {
    const watched = new WatchStore();
    for (let i = 0; i < LIMITS.watchScanRowsMax + 10; i += 100) {
      watched.apply(...Array.from({ length: 100 }, (_, at) => put(`k${i + at}`, "")));
    }
    const first = found(watched, [rangeOf("none", 2)]);
    expect(first.events).toEqual([]);
    expect(first.next).toEqual({ revision: LIMITS.watchScanRowsMax + 2, sub: 0 });
    const { revision } = watched.store.machine.state();
    expect(found(watched, [rangeOf("none", first.next)]).next).toEqual({ revision: revision + 1, sub: 0 });
  });

  test("within one long revision tells its place there", () => {
    const watched = new WatchStore();
    const count = LIMITS.watchScanRowsMax + 100;
    for (let i = 0; i < count; i += 100) {
      watched.apply(
        ...Array.from({ length: 100 }, (_, at) => put(`k${String(i + at).padStart(6, "0")}`, "")),
      );
    }
    const { revision } = watched.store.machine.state();
    watched.apply(del("k", "l"));
    const first = found(watched, [rangeOf("k", revision + 1, { rangeEnd: bytes("l") })], {
      bytesMax: 10_000_000,
    });
    expect(first.next).toEqual({ revision: revision + 1, sub: LIMITS.watchScanRowsMax });
    expect(first.events).toHaveLength(LIMITS.watchScanRowsMax);
    const second = found(watched, [rangeOf("k", first.next, { rangeEnd: bytes("l") })]);
    expect(second.events[0]?.at.sub).toBe(LIMITS.watchScanRowsMax);
    expect(second.next).toEqual({ revision: revision + 2, sub: 0 });
  });
});
