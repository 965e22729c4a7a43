/** Those who wait for changes. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import type { WatchFindings } from "../../src/engine/watch-reader.ts";
import { bytes, compactOf, putOf } from "../mvcc/harness.ts";
import { callOf, lines, rangeOf, WatchStore } from "./watch-store.ts";

const put = (key: string, value: string) => putOf({ key: bytes(key), value: bytes(value) });

function waiting(watched: WatchStore, stream: string, ...ranges: Parameters<typeof callOf>[0][number][]) {
  const answers: WatchFindings[] = [];
  watched.watch(callOf(ranges, { stream, waitMs: 1_000 }), 0, (findings) => answers.push(findings));
  return answers;
}

describe("a call that waits", () => {
  test("is answered by the first change it wants, with all of that turn", () => {
    const watched = new WatchStore();
    const answers = waiting(watched, "s", rangeOf("a", 2), rangeOf("b", 2, { noPut: true }));
    watched.apply(put("c", "1"), put("b", "1"));
    expect(answers).toEqual([]);
    watched.apply(put("a", "1"), put("a", "2"));
    expect(answers.map((answer) => lines(answer))).toEqual([["4.0 a=1 to 0", "5.0 a=2 to 0"]]);
    expect(answers[0]?.next).toEqual({ revision: 6, sub: 0 });
    watched.apply(put("a", "3"));
    expect(answers).toHaveLength(1);
    expect(watched.hub.count).toBe(0);
  });

  test("for what is yet to come is left alone until then", () => {
    const watched = new WatchStore();
    const answers = waiting(watched, "s", rangeOf("a", 4));
    watched.apply(put("a", "1"), put("a", "2"));
    expect(answers).toEqual([]);
    watched.apply(put("a", "3"));
    expect(answers.map((answer) => lines(answer))).toEqual([["4.0 a=3 to 0"]]);
  });

  test("ends at its time, told how far it was looked", () => {
    const watched = new WatchStore();
    const answers = waiting(watched, "s", rangeOf("a", 2));
    watched.apply(put("b", "1"));
    expect(watched.hub.deadline()).toBe(1_000);
    watched.hub.expire(999);
    expect(answers).toEqual([]);
    watched.hub.expire(1_000);
    expect(answers).toMatchObject([{ events: [], next: { revision: 3, sub: 0 } }]);
    expect(watched.hub.deadline()).toBeNull();
  });

  test("gives way to the next call of its stream", () => {
    const watched = new WatchStore();
    const first = waiting(watched, "s", rangeOf("a", 2));
    const second = waiting(watched, "s", rangeOf("b", 2));
    expect(first).toMatchObject([{ events: [], next: { revision: 2, sub: 0 } }]);
    watched.apply(put("a", "1"), put("b", "1"));
    expect(first).toHaveLength(1);
    expect(second.map((answer) => lines(answer))).toEqual([["3.0 b=1 to 0"]]);
  });

  test("hears of a change that is compacted in the same turn", () => {
    const watched = new WatchStore();
    const answers = waiting(watched, "s", rangeOf("a", 2));
    watched.apply(put("a", "1"), put("a", "2"), put("a", "3"), compactOf(4));
    expect(answers.map((answer) => lines(answer))).toEqual([
      ["2.0 a=1 to 0", "3.0 a=2 to 0", "4.0 a=3 to 0"],
    ]);
  });

  test("is sent to ask again when its replica knows less than others, or too much happened at once", () => {
    const watched = new WatchStore();
    const lost = waiting(watched, "s", rangeOf("a", 2));
    watched.hub.dismissAll();
    expect(lost).toMatchObject([{ events: [], next: { revision: 2, sub: 0 } }]);
    const replaced = waiting(watched, "t", rangeOf("a", 2));
    const state = watched.store.machine.state();
    watched.hub.applied(() => watched.history(), { ...state, revision: 9, ord: 9, generation: 1 });
    expect(replaced).toMatchObject([{ events: [], next: { revision: 2, sub: 0 } }]);
    const flooded = waiting(watched, "u", rangeOf("a", 2));
    const ord = LIMITS.watchNotifyRowsMax + 1;
    watched.hub.applied(() => watched.history(), { ...state, revision: 2, ord });
    expect(flooded).toMatchObject([{ events: [], next: { revision: 2, sub: 0 } }]);
  });
});

test("there is room for a bounded number of calls and ranges", () => {
  const watched = new WatchStore();
  const add = (stream: string, ranges: number): boolean => {
    const call = callOf(
      Array.from({ length: ranges }, (_, i) => rangeOf(`${i}`, 2)),
      { stream, waitMs: 1 },
    );
    return watched.watch(call, 0, () => undefined);
  };
  for (let i = 0; i < LIMITS.watchersWaitingMax; i += 1) expect(add(`s${i}`, 1)).toBe(true);
  expect(add("one more", 1)).toBe(false);
  expect(add("s0", 1)).toBe(true);
  watched.hub.dismissAll();
  const streams = Math.floor(LIMITS.watchRangesWaitingMax / LIMITS.watchRangesMax);
  for (let i = 0; i < streams; i += 1) expect(add(`s${i}`, LIMITS.watchRangesMax)).toBe(true);
  expect(add("one more", 1)).toBe(false);
});

test("who asked for the pair before gets it, whoever else waits", () => {
  const watched = new WatchStore();
  watched.apply(put("a", "1"));
  const plain = waiting(watched, "s", rangeOf("a", 3));
  const curious = waiting(watched, "t", rangeOf("a", 3, { prevKv: true }));
  watched.apply(put("a", "2"));
  expect(curious.map((answer) => lines(answer))).toEqual([["3.0 a=2 (1) to 0"]]);
  expect(plain).toHaveLength(1);
});
