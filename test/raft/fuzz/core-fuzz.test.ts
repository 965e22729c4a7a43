/**
 * Random lives of whole clusters, all invariants after every step, and recovery at the end. A seed that
 * fails is replayed by `node test/raft/fuzz/main.ts SEED 1 STEPS`. What it finds is then told as a story
 * in golden/, for a seed means another life as soon as the fuzzer learns something new.
 */
import { expect, test } from "vitest";
import { runSeed } from "./run-seed.ts";

const STEPS = 600;
const FRESH_COUNT = 250;

test("random seeds", () => {
  let acknowledged = 0;
  let configurations = 0;
  for (let seed = 1; seed <= FRESH_COUNT; seed += 1) {
    try {
      const report = runSeed(1_000_000 + seed, STEPS);
      acknowledged += report.acknowledged;
      configurations += report.configurations;
    } catch (error) {
      if (error instanceof Error) {
        error.message += `\nreplay: node test/raft/fuzz/main.ts ${1_000_000 + seed} 1 ${STEPS}`;
      }
      throw error;
    }
  }
  // A fuzzer under which nothing happens finds nothing.
  expect(acknowledged).toBeGreaterThan(10 * FRESH_COUNT);
  expect(configurations).toBeGreaterThan(FRESH_COUNT / 10);
});
