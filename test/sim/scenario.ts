/** A failure worth keeping: the seed, what was fixed, what was left out. Replayed by the tests. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { drawOptions, type FixedOptions, type RunOptions } from "./options.ts";
import type { RunRequest } from "./run-seed.ts";

export interface Scenario {
  /** What broke when it was found. */
  readonly found: string;
  readonly seed: number;
  readonly fixed: FixedOptions;
  readonly skip: readonly string[];
}

export const SCENARIO_FOLDER = path.join(import.meta.dirname, "scenarios");

export function readScenario(file: string): Scenario {
  // Written by the minimizer or by hand; a wrong shape fails the run that replays it.
  return JSON.parse(readFileSync(file, "utf8")) as Scenario;
}

/** Names of all scenario files, sorted. */
export function scenarioFiles(): string[] {
  return readdirSync(SCENARIO_FOLDER)
    .filter((name) => name.endsWith(".json"))
    .sort();
}

export function requestOf({ seed, fixed, skip }: Scenario): RunRequest {
  const options: RunOptions = drawOptions(seed, fixed);
  return { options, skip: new Set(skip), trace: false };
}
