/**
 * Runs seeds until one finds something, from within a copy of the source:
 * `node main.ts DETECTOR FIRST COUNT`, where the detector is "core" or a climate.
 * Writes one line of JSON (a `HuntLine`) for each seed.
 */
import { Violation } from "../../../../test/raft/invariants/violation.ts";
import { drawOptions } from "../../../../test/sim/options.ts";
import { type Climate, fixedBy } from "../climate.ts";
import type { HuntLine } from "../hunt-line.ts";

/** Steps of one life of the core. */
const CORE_STEPS = 1_500;

type Run = (seed: number) => Promise<Omit<HuntLine, "seed"> | null>;

const [detector = "", first = 1, count = 1] = process.argv
  .slice(2)
  .map((text, i) => (i === 0 ? text : Number(text))) as [string, number, number];
const run = await runOf(detector);
for (let seed = first; seed < first + count; seed += 1) {
  const found = await run(seed);
  const line: HuntLine = found === null ? { seed, invariant: null, message: "" } : { seed, ...found };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (found !== null) break;
}

function runOf(detector: string): Promise<Run> {
  // Given by hunt.ts only, as a Detector.
  return detector === "core" ? coreRun() : simulatorRun(detector as Climate);
}

async function simulatorRun(climate: Climate): Promise<Run> {
  const { runSeed } = await import("../../../../test/sim/run-seed.ts");
  return async (seed) => {
    const options = drawOptions(seed, fixedBy(climate, seed));
    const { failure } = await runSeed({ options, skip: new Set(), trace: false });
    return failure;
  };
}

async function coreRun(): Promise<Run> {
  const { runSeed } = await import("../../../../test/raft/fuzz/run-seed.ts");
  return async (seed) => {
    try {
      runSeed(seed, CORE_STEPS);
      return null;
    } catch (error) {
      if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      // Assertions of the source itself count as found, as a halted replica does in the simulator.
      return { invariant: name === "InvariantError" ? "assertion" : name, message };
    }
  };
}
