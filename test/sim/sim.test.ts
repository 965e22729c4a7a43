/**
 * A share of the simulator's seeds in every test run: all that ever failed, all scenarios, and fresh
 * ones that change with the source, so that each version of it is tested with seeds of its own and
 * every run of one version with the same.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { drawOptions } from "./options.ts";
import { nowhere, PLACES } from "./reached.ts";
import { type RunResult, runSeed } from "./run-seed.ts";
import { readScenario, requestOf, SCENARIO_FOLDER, scenarioFiles } from "./scenario.ts";

const FRESH_SEEDS = 200;
const CHUNKS = 10;
/** The list of seeds that versions of the source take turns in: these, and 199 after each. */
const FIRST_SEEDS = Array.from({ length: 4096 }, (_, i) => 1_000_000 + i * FRESH_SEEDS);

const SOURCE = path.join(import.meta.dirname, "../../src");

function sourceHash(): number {
  const hash = createHash("sha256");
  const files = readdirSync(SOURCE, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => path.join(file.parentPath, file.name))
    .sort();
  for (const file of files) hash.update(path.relative(SOURCE, file)).update(readFileSync(file));
  return hash.digest().readUInt32BE(0);
}

/** Every seed that failed once, in the order of the file. */
function failedSeeds(): number[] {
  return readFileSync(path.join(import.meta.dirname, "seeds.txt"), "utf8")
    .split("\n")
    .map((line) => /^\d+/.exec(line)?.[0])
    .filter((seed) => seed !== undefined)
    .map(Number);
}

function problem({ failure, options }: RunResult): string | null {
  if (failure === null) return null;
  const seconds = options.durationMs / 1000;
  return `npm run sim -- --seed ${options.seed} --seeds 1 --virtual-seconds ${seconds}: ${failure.message}`;
}

/** Whole lives of users who watch what they may not read: one version in some misses that in its own seeds. */
const WATCHING_USERS = [140_000_009, 140_000_011, 140_000_031];

/** Short: what breaks soon breaks cheaply. */
const SECONDS = 8;

async function runFresh(seed: number): Promise<RunResult> {
  const options = drawOptions(seed, { durationMs: SECONDS * 1000 });
  return runSeed({ options, skip: new Set(), trace: false });
}

async function runWhole(seed: number): Promise<RunResult> {
  return runSeed({ options: drawOptions(seed, {}), skip: new Set(), trace: false });
}

describe("seeds", () => {
  const first = FIRST_SEEDS[sourceHash() % FIRST_SEEDS.length] ?? 0;
  const size = FRESH_SEEDS / CHUNKS;
  const reached = nowhere();

  for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
    const from = first + chunk * size;
    it(`${from} to ${from + size - 1} break no invariant`, { timeout: 120_000 }, async () => {
      for (let seed = from; seed < from + size; seed += 1) {
        const result = await runFresh(seed);
        expect(problem(result)).toBeNull();
        for (const place of PLACES) reached[place] += result.reached[place];
      }
    });
  }

  it.each([...failedSeeds(), ...WATCHING_USERS])("%i does not fail, once or again", async (seed) => {
    const result = await runWhole(seed);
    expect(problem(result)).toBeNull();
    for (const place of PLACES) reached[place] += result.reached[place];
  });

  it("get to rare places", () => {
    const missed = PLACES.filter((place) => reached[place] === 0);
    expect(missed).toEqual([]);
  });

  it("take the same course every time", async () => {
    const seed = first + FRESH_SEEDS;
    expect((await runFresh(seed)).traceHash).toBe((await runFresh(seed)).traceHash);
  });
});

describe("scenarios", () => {
  it.each(scenarioFiles())("%s holds", async (file) => {
    expect(problem(await runSeed(requestOf(readScenario(path.join(SCENARIO_FOLDER, file)))))).toBeNull();
  });
});
