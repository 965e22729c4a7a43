import { describe, expect, it } from "vitest";
import { checkByKey } from "./check-by-key.ts";
import { decodeHistory, encodeOperation } from "./history-file.ts";
import { judge } from "./judge.ts";
import type { Action, Operation, Outcome } from "./operation.ts";
import { checkRevisionOrder } from "./revision-order.ts";

/** The store's revision before each of these histories. */
const BASE = 1;

const get: Action = { kind: "get", consistency: "linearizable" };
const localGet: Action = { kind: "get", consistency: "serializable" };
const put = (value: string): Action => ({ kind: "put", value });
const cas = (expected: number, value: string): Action => ({ kind: "cas", expected, value });
const del = (expected: number | null = null): Action => ({ kind: "delete", expected });
const found = (value: string, modRevision: number, revision = modRevision): Outcome => ({
  kind: "found",
  value,
  modRevision,
  revision,
});
const missing = (revision: number): Outcome => ({ kind: "missing", revision });
const written = (revision: number): Outcome => ({ kind: "written", revision });
const deleted = (revision: number): Outcome => ({ kind: "deleted", revision });
const refused = (modRevision: number, revision: number): Outcome => ({
  kind: "refused",
  modRevision,
  revision,
});
const unknown: Outcome = { kind: "unknown", reason: "timeout" };
const failed: Outcome = { kind: "failed", reason: "no quorum" };

type Row = readonly [call: number, end: number, action: Action, outcome: Outcome, key?: string];

function history(...rows: readonly Row[]): Operation[] {
  return rows.map(([call, end, action, outcome, key = "k"], id) => ({
    id,
    process: id,
    key,
    action,
    call,
    return: outcome.kind === "unknown" ? null : end,
    outcome,
  }));
}

const GOOD: Readonly<Record<string, Operation[]>> = {
  "nothing at all": [],
  "one after the other": history(
    [0, 1, get, missing(1)],
    [2, 3, put("a"), written(2)],
    [4, 5, get, found("a", 2)],
    [6, 7, cas(2, "b"), written(3)],
    [8, 9, cas(2, "c"), refused(3, 3)],
    [10, 11, del(3), deleted(4)],
    [12, 13, get, missing(4)],
    [14, 15, cas(0, "d"), written(5)],
    [16, 17, del(), deleted(6)],
    [18, 19, del(), { kind: "nothing-deleted", revision: 6 }],
  ),
  "a read during a write may see it or not": history(
    [0, 9, put("a"), written(2)],
    [1, 2, get, missing(1)],
    [3, 4, get, found("a", 2)],
  ),
  "other keys move the revision on": history(
    [0, 1, put("a"), written(2), "x"],
    [2, 3, put("b"), written(3), "y"],
    [4, 5, get, found("a", 2, 3), "x"],
    [6, 7, put("c"), written(4), "x"],
  ),
  "an unknown write that took effect much later": history(
    [0, 0, put("late"), unknown],
    [1, 2, put("a"), written(2)],
    [3, 4, get, found("a", 2)],
    [5, 6, get, found("late", 3)],
  ),
  "an unknown write that never took effect": history(
    [0, 0, put("never"), unknown],
    [1, 2, put("a"), written(2)],
    [3, 4, get, found("a", 2)],
  ),
  "an unknown write overwritten before anybody looked": history(
    [0, 0, put("hidden"), unknown],
    [1, 2, put("a"), written(3)],
    [3, 4, get, found("a", 3)],
  ),
  "an unknown delete": history(
    [0, 1, put("a"), written(2)],
    [2, 2, del(), unknown],
    [3, 4, get, found("a", 2)],
    [5, 6, get, missing(3)],
  ),
  "an unknown write seen only by a refused comparison": history(
    [0, 1, put("a"), written(2)],
    [2, 2, put("b"), unknown],
    [3, 4, cas(2, "c"), refused(3, 3)],
    [5, 6, cas(3, "d"), written(4)],
  ),
  "a failed write that nobody sees": history([0, 1, put("a"), failed], [2, 3, get, missing(1)]),
  "a local read behind the times": history(
    [0, 1, put("a"), written(2)],
    [2, 3, put("b"), written(3)],
    [4, 5, localGet, found("a", 2)],
  ),
  "concurrent creations, one wins": history(
    [0, 5, cas(0, "a"), refused(2, 2)],
    [0, 5, cas(0, "b"), written(2)],
  ),
};

/** Which judge must see it: the search knows one key at a time, the order check the whole store. */
type Bad = readonly [operations: Operation[], order: boolean, search: boolean];

const BAD: Readonly<Record<string, Bad>> = {
  "a stale read": [
    history([0, 1, put("a"), written(2)], [2, 3, put("b"), written(3)], [4, 5, get, found("a", 2)]),
    true,
    true,
  ],
  "a stale read that claims the newest revision": [
    history([0, 1, put("a"), written(2)], [2, 3, put("b"), written(3)], [4, 5, get, found("a", 2, 3)]),
    true,
    true,
  ],
  "a lost update: two comparisons with one revision succeed": [
    history([0, 1, put("a"), written(2)], [2, 5, cas(2, "b"), written(3)], [2, 5, cas(2, "c"), written(4)]),
    true,
    true,
  ],
  "two creations succeed": [
    history([0, 5, cas(0, "a"), written(2)], [0, 5, cas(0, "b"), written(3)]),
    true,
    true,
  ],
  "an acknowledged write is gone": [
    history([0, 1, put("a"), written(2)], [2, 3, get, missing(2)]),
    true,
    true,
  ],
  "an acknowledged write is gone and its revision given away again": [
    history([0, 1, put("a"), written(2)], [2, 3, put("b"), written(2)]),
    true,
    true,
  ],
  "a retried write applied twice, seen by its reader": [
    history([0, 9, put("a"), written(2)], [10, 11, put("b"), written(3)], [12, 13, get, found("a", 4)]),
    true,
    true,
  ],
  "a retried write applied twice, seen by nobody": [
    history([0, 1, put("a"), written(2)], [2, 3, put("b"), written(4)], [4, 5, get, found("b", 4)]),
    true,
    false,
  ],
  "an unknown write seen at two revisions": [
    history(
      [0, 0, put("a"), unknown],
      [1, 2, get, found("a", 2)],
      [3, 4, put("b"), written(3)],
      [5, 6, get, found("a", 4)],
    ),
    true,
    true,
  ],
  "an unacknowledged value is read and then vanishes": [
    history([0, 0, put("a"), unknown], [1, 2, get, found("a", 2)], [3, 4, get, missing(2)]),
    true,
    true,
  ],
  "a failed write is seen": [history([0, 1, put("a"), failed], [2, 3, get, found("a", 2)]), true, true],
  "a value nobody wrote": [history([0, 1, get, found("ghost", 2)]), true, true],
  "a read from the future": [history([0, 1, get, found("a", 2)], [2, 3, put("a"), written(2)]), true, true],
  "the revision goes back on one key": [
    history([0, 1, put("a"), written(3)], [2, 3, put("b"), written(2)]),
    true,
    true,
  ],
  "the revision goes back across keys": [
    history([0, 1, put("a"), written(3), "x"], [2, 3, put("b"), written(2), "y"]),
    true,
    false,
  ],
  "a read of one key behind an answer about another": [
    history([0, 1, put("a"), written(2), "x"], [2, 3, get, missing(1), "y"]),
    true,
    false,
  ],
  "the store's revision falls between two reads of an unchanged key": [
    history([0, 1, put("a"), written(2)], [2, 3, get, found("a", 2, 5)], [4, 5, get, found("a", 2, 4)]),
    true,
    true,
  ],
  "two keys written at one revision": [
    history([0, 1, put("a"), written(2), "x"], [0, 1, put("b"), written(2), "y"]),
    true,
    false,
  ],
  "a refusal that names the very revision expected": [
    history([0, 1, put("a"), written(2)], [2, 3, cas(2, "b"), refused(2, 2)]),
    true,
    true,
  ],
  "a refusal by a version long gone": [
    history([0, 1, put("a"), written(2)], [2, 3, put("b"), written(3)], [4, 5, cas(3, "c"), refused(2, 3)]),
    true,
    true,
  ],
  "deleting what does not exist": [history([0, 1, del(), deleted(2)]), true, true],
  "nothing deleted although the key was there": [
    history([0, 1, put("a"), written(2)], [2, 3, del(), { kind: "nothing-deleted", revision: 2 }]),
    true,
    true,
  ],
  "a deleted key comes back": [
    history([0, 1, put("a"), written(2)], [2, 3, del(), deleted(3)], [4, 5, get, found("a", 2, 3)]),
    true,
    true,
  ],
  "two readers see two writes in different orders": [
    history(
      [0, 20, put("a"), written(2)],
      [0, 20, put("b"), written(3)],
      [1, 2, get, found("b", 3)],
      [3, 4, get, found("a", 2)],
    ),
    true,
    true,
  ],
  "a local read of a value that never was": [
    history([0, 1, put("a"), written(2)], [2, 3, localGet, found("z", 2)]),
    true,
    false,
  ],
  "more revisions than writes of unknown outcome": [
    history([0, 0, put("a"), unknown], [1, 2, put("b"), written(4)], [3, 4, get, found("b", 4)]),
    true,
    false,
  ],
  "an unknown write called too late to explain a revision": [
    history([0, 1, put("b"), written(3)], [2, 2, put("a"), unknown]),
    true,
    false,
  ],
};

describe("good histories", () => {
  it.each(Object.keys(GOOD))("%s", (name) => {
    const operations = GOOD[name] ?? [];
    expect(checkRevisionOrder(operations, BASE)).toMatchObject({ kind: "ok" });
    expect(checkByKey(operations)).toMatchObject({ kind: "ok" });
    expect(judge(operations, BASE).kind).toBe("ok");
  });
});

describe("bad histories", () => {
  it.each(Object.keys(BAD))("%s", (name) => {
    const [operations, order, search] = BAD[name] ?? [[], false, false];
    expect(checkRevisionOrder(operations, BASE).kind).toBe(order ? "violation" : "ok");
    expect(checkByKey(operations).kind).toBe(search ? "violation" : "ok");
    expect(judge(operations, BASE).kind).toBe("violation");
  });
});

describe("a violation", () => {
  it("is told with the operation that fits nowhere and the order before it", () => {
    const operations = history(
      [0, 1, put("a"), written(2)],
      [2, 3, put("b"), written(3)],
      [4, 5, get, found("b", 3)],
      [6, 7, get, found("a", 2, 3)],
      [8, 9, put("c"), written(4)],
    );
    const verdict = checkByKey(operations);
    expect(verdict.kind === "violation" && verdict.evidence.blocked.id).toBe(3);
    expect(verdict.kind === "violation" && verdict.evidence.placed.map((operation) => operation.id)).toEqual([
      0, 1, 2,
    ]);
    const told = judge(operations, BASE);
    expect(told.kind === "violation" && told.text).toBe(
      [
        "lost or stale: k had mod 3 at store revision 3",
        "  #1 p1 [2.000 .. 3.000] put k=b -> written (store 3)",
        "  #3 p3 [6.000 .. 7.000] get k -> a (mod 2, store 3)",
      ].join("\n"),
    );
  });
});

describe("the history file", () => {
  it("gives back what was written", () => {
    const all = [...Object.values(GOOD).flat(), ...Object.values(BAD).flatMap(([operations]) => operations)];
    const text = all.map(encodeOperation).join("\n");
    expect(decodeHistory(text)).toEqual(all);
  });

  it("names the line that is no operation", () => {
    const line = history([0, 1, put("a"), written(2)])
      .map(encodeOperation)
      .join("");
    expect(() => decodeHistory(`${line}\n{"op":"put"}`)).toThrow("line 2: ");
    expect(() => decodeHistory('{"process":1,"id":1,"key":"k","op":"add","call":1}')).toThrow("unknown op");
  });
});
