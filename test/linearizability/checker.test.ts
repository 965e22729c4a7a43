import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE_REVISION, goodHistory, spoiltHistory } from "./arbitrary-history.ts";
import { bruteForceLinearizable } from "./brute-force.ts";
import { checkByKey } from "./check-by-key.ts";
import { checkLinearizable } from "./checker.ts";
import { DoneSet } from "./done-set.ts";
import type { Model } from "./model.ts";
import type { Operation } from "./operation.ts";
import { checkRevisionOrder } from "./revision-order.ts";

/** A register without revisions: the smallest model, for comparing the search with all permutations. */
interface Plain {
  readonly write: number | null;
  readonly read: number | null;
  readonly call: number;
  readonly return: number | null;
}

const plainModel: Model<number, Plain> = {
  init: 0,
  step(state, op) {
    if (op.write !== null) return { ok: true, state: op.write };
    return op.read === state ? { ok: true, state } : { ok: false };
  },
  hash: (state) => String(state),
  readOnly: (op) => op.write === null,
};

function someOrderExplains(left: readonly Plain[], state: number): boolean {
  if (left.every((op) => op.return === null)) return true;
  return left.some((op) => {
    if (left.some((other) => other.return !== null && other.return < op.call)) return false;
    const step = plainModel.step(state, op);
    if (!step.ok) return false;
    return someOrderExplains(
      left.filter((other) => other !== op),
      step.state,
    );
  });
}

const plainOp: fc.Arbitrary<Plain> = fc
  .tuple(fc.nat(2), fc.boolean(), fc.nat(20), fc.nat(12), fc.nat(5))
  .map(([value, isWrite, call, length, fate]) => ({
    write: isWrite ? value : null,
    read: isWrite ? null : value,
    call,
    return: isWrite && fate === 0 ? null : call + length,
  }));

describe("the set of operations done", () => {
  it("has one signature for each content, however it came about", () => {
    const moves = fc.array(fc.tuple(fc.integer({ min: 28, max: 50 }), fc.boolean()), { maxLength: 200 });
    fc.assert(
      fc.property(moves, (list) => {
        const set = new DoneSet(71);
        const truth = new Set<number>();
        for (let member = 0; member < 40; member += 1) {
          set.add(member);
          truth.add(member);
        }
        for (const [member, isAdded] of list) {
          if (truth.has(member) === isAdded) continue;
          if (isAdded) set.add(member);
          else set.remove(member);
          if (isAdded) truth.add(member);
          else truth.delete(member);
        }
        const fresh = new DoneSet(71);
        for (const member of truth) fresh.add(member);
        expect(set.signature()).toBe(fresh.signature());
        const hole = [...truth][0];
        if (hole === undefined) return;
        fresh.remove(hole);
        expect(set.signature()).not.toBe(fresh.signature());
      }),
    );
  });
});

describe("the search", () => {
  it("agrees with trying all orders, values repeating", () => {
    let wrong = 0;
    fc.assert(
      fc.property(fc.array(plainOp, { maxLength: 7 }), (ops) => {
        const truth = someOrderExplains(ops, plainModel.init);
        if (!truth) wrong += 1;
        expect(checkLinearizable(plainModel, ops).kind).toBe(truth ? "ok" : "violation");
      }),
      { numRuns: 3_000 },
    );
    expect(wrong).toBeGreaterThan(300);
  });

  it("names the shortest prefix that no order explains", () => {
    fc.assert(
      fc.property(fc.array(plainOp, { maxLength: 7 }), (ops) => {
        const verdict = checkLinearizable(plainModel, ops);
        if (verdict.kind !== "violation") return;
        const end = verdict.evidence.blocked.return ?? 0;
        const upTo = (moment: number, inclusive: boolean): Plain[] =>
          ops
            .filter((op) => op.call <= moment)
            .map((op) => {
              const within =
                op.return !== null && (op.return < moment || (inclusive && op === verdict.evidence.blocked));
              return within ? op : { ...op, return: null };
            })
            .filter((op) => op.return !== null || op.write !== null);
        expect(someOrderExplains(upTo(end, false), 0)).toBe(true);
        expect(checkLinearizable(plainModel, upTo(Number.POSITIVE_INFINITY, true)).kind).toBe("violation");
      }),
      { numRuns: 1_000 },
    );
  });

  it("gives up when its budget ends, and says so", () => {
    const ops: Plain[] = Array.from({ length: 12 }, (_, at) => ({
      write: at,
      read: null,
      call: 0,
      return: 100,
    }));
    ops.push({ write: null, read: 99, call: 200, return: 201 });
    expect(checkLinearizable(plainModel, ops).kind).toBe("violation");
    expect(checkLinearizable(plainModel, ops, { stepsMax: 50, isOverdue: () => false }).kind).toBe(
      "undecided",
    );
    expect(checkLinearizable(plainModel, ops, { stepsMax: 1e6, isOverdue: () => true }).kind).toBe(
      "undecided",
    );
  });

  it("is not lost in many writes of unknown outcome", () => {
    const ops: Plain[] = [];
    for (let at = 0; at < 60; at += 1) ops.push({ write: 1_000 + at, read: null, call: at, return: null });
    for (let at = 0; at < 400; at += 1) {
      ops.push({ write: at, read: null, call: 100 + at * 10, return: 105 + at * 10 });
      ops.push({ write: null, read: at, call: 106 + at * 10, return: 109 + at * 10 });
    }
    const verdict = checkLinearizable(plainModel, ops);
    expect(verdict.kind).toBe("ok");
    expect(verdict.steps).toBeLessThan(10_000);
  });
});

function search(history: readonly Operation[]): string {
  return checkByKey(history).kind;
}

function order(history: readonly Operation[]): string {
  return checkRevisionOrder(history, BASE_REVISION).kind;
}

describe("both judges on histories with revisions", () => {
  it("accept whatever a correct store does", () => {
    fc.assert(
      fc.property(goodHistory(40, true), (history) => {
        expect(search(history)).toBe("ok");
        expect(order(history)).toBe("ok");
      }),
      { numRuns: 1_000 },
    );
  });

  it("decide exactly as brute force when every outcome is known", () => {
    let wrong = 0;
    fc.assert(
      fc.property(spoiltHistory(6, false), (history) => {
        const truth = bruteForceLinearizable(history, BASE_REVISION);
        if (!truth) wrong += 1;
        expect(order(history)).toBe(truth ? "ok" : "violation");
        if (truth) expect(search(history)).toBe("ok");
      }),
      { numRuns: 3_000 },
    );
    expect(wrong).toBeGreaterThan(500);
  });

  it("never accuse a history that brute force explains, and catch most others", () => {
    let wrong = 0;
    let caught = 0;
    fc.assert(
      fc.property(spoiltHistory(7, true), (history) => {
        const accused = order(history) === "violation" || search(history) === "violation";
        const truth = bruteForceLinearizable(history, BASE_REVISION);
        if (truth) expect(accused).toBe(false);
        if (truth) return;
        wrong += 1;
        if (accused) caught += 1;
      }),
      { numRuns: 3_000, seed: 7 },
    );
    expect(wrong).toBeGreaterThan(500);
    expect(caught / wrong).toBeGreaterThan(0.9);
  });
});
