import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inflights } from "../../src/raft/inflights.ts";
import { Progress } from "../../src/raft/progress.ts";
import { TEST_OPTIONS } from "./harness/cluster.ts";

describe("the window", () => {
  test("counts as the naive list does", () => {
    const sends = fc.array(fc.record({ bytes: fc.nat(20), free: fc.nat(40) }), { maxLength: 40 });
    fc.assert(
      fc.property(
        sends,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 50 }),
        (steps, count, bytes) => {
          const window = new Inflights(count, bytes);
          let naive: { index: number; bytes: number }[] = [];
          steps.forEach((step, i) => {
            if (!window.full) {
              window.add(i + 1, step.bytes);
              naive.push({ index: i + 1, bytes: step.bytes });
            }
            if (step.free % 3 === 0) {
              window.freeTo(step.free);
              naive = naive.filter((sent) => sent.index > step.free);
            }
            const held = naive.reduce((sum, sent) => sum + sent.bytes, 0);
            expect(window.count).toBe(naive.length);
            expect(window.bytes).toBe(held);
            expect(window.full).toBe(naive.length >= count || held >= bytes);
          });
          window.reset();
          expect([window.count, window.bytes]).toEqual([0, 0]);
        },
      ),
    );
  });
});

describe("a follower's progress", () => {
  function replicating(match: number): Progress {
    const progress = new Progress(0, match + 1, TEST_OPTIONS, 0);
    progress.maybeAdvance(match);
    progress.becomeReplicate();
    return progress;
  }

  test("match never goes back, next stays above it", () => {
    const progress = replicating(5);
    expect(progress.maybeAdvance(3)).toBe(false);
    expect([progress.match, progress.next]).toEqual([5, 6]);
    expect(progress.maybeAdvance(9)).toBe(true);
    expect([progress.match, progress.next]).toEqual([9, 10]);
  });

  test("a probe steps back once per answer, to the hint but never to match or below", () => {
    const progress = new Progress(0, 11, TEST_OPTIONS, 0);
    progress.probeSent = true;
    expect(progress.maybeStepBack(10, 7)).toBe(true);
    expect([progress.next, progress.probeSent]).toEqual([7, false]);
    // The same rejection again, and one for an append never sent.
    expect(progress.maybeStepBack(10, 7)).toBe(false);
    expect(progress.maybeStepBack(8, 2)).toBe(false);
    expect(progress.next).toBe(7);
    // A hint that leads nowhere still brings it one step further.
    expect(progress.maybeStepBack(6, 9)).toBe(true);
    expect(progress.next).toBe(6);
    expect(progress.maybeStepBack(5, 0)).toBe(true);
    expect(progress.next).toBe(1);
  });

  test("a rejection while replicating probes right after match; old ones say nothing", () => {
    const progress = replicating(5);
    progress.inflights.add(9, 4);
    progress.next = 10;
    expect(progress.maybeStepBack(4, 2)).toBe(false);
    expect(progress.maybeStepBack(5, 2)).toBe(false);
    expect(progress.maybeStepBack(8, 2)).toBe(true);
    expect([progress.state, progress.next, progress.inflights.count]).toEqual(["probe", 6, 0]);
  });

  test("nothing is appended while a snapshot is under way, and no rejection ends it", () => {
    const progress = replicating(5);
    progress.becomeSnapshot();
    expect(progress.paused).toBe(true);
    expect(progress.maybeStepBack(9, 2)).toBe(false);
    progress.becomeProbe();
    expect([progress.state, progress.next, progress.paused]).toEqual(["probe", 6, false]);
  });
});
