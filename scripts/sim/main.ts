/** Runs seeds one after another and says what came of them. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { minimize } from "../../test/sim/minimize.ts";
import { drawOptions, type FixedOptions } from "../../test/sim/options.ts";
import { type RunResult, runSeed } from "../../test/sim/run-seed.ts";
import { readScenario, requestOf, SCENARIO_FOLDER } from "../../test/sim/scenario.ts";
import { Summary } from "../../test/sim/summary.ts";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { parseArguments, type SimArguments, USAGE } from "./arguments.ts";
import { runBench } from "./bench.ts";
import { compileSparingly } from "./compiler.ts";
import { EXIT_STOPPED } from "./exit.ts";

/** One seed in so many is run twice, and must take the same course. */
const TWICE_EVERY = 100;

compileSparingly();
const parsed = parseArguments(process.argv.slice(2));
if (!parsed.ok) {
  console.error(`${parsed.error}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (parsed.value === "help") {
  console.log(USAGE);
} else {
  process.exitCode = await run(parsed.value);
}

function run(args: SimArguments): Promise<number> {
  if (args.bench) return runBench(args);
  return args.scenario === null ? runSeeds(args) : replay(args);
}

function fixedBy({ replicas, virtualSeconds }: SimArguments): FixedOptions {
  return {
    ...(replicas === null ? {} : { replicas }),
    ...(virtualSeconds === null ? {} : { durationMs: virtualSeconds * 1000 }),
  };
}

async function runSeeds(args: SimArguments): Promise<number> {
  const summary = new Summary();
  const startedAt = performance.now();
  const endAt = args.minutes === null ? Number.POSITIVE_INFINITY : startedAt + args.minutes * 60_000;
  let seed = args.firstSeed;
  // Heard in the middle of a seed, between two slices of its events.
  onStopSignal(() => {
    clearProgress();
    console.log(`stopped in seed ${seed}, which does not count`);
    process.exit(finish(summary, startedAt) === 0 ? EXIT_STOPPED : 1);
  });
  for (let i = 0; i < (args.seeds ?? Number.POSITIVE_INFINITY) && performance.now() < endAt; i += 1) {
    seed = args.firstSeed + i;
    const result = await runOne(args, seed);
    summary.add(result);
    showProgress(summary, startedAt, args);
    if (result.failure === null) continue;
    await report(result, args);
    if (!args.keepGoing) break;
  }
  return finish(summary, startedAt);
}

/** Says what was run so far; the status to exit with. */
function finish(summary: Summary, startedAt: number): number {
  clearProgress();
  const { user, system } = process.cpuUsage();
  console.log(summary.line((performance.now() - startedAt) / 1000, (user + system) / 1e6));
  return summary.failures > 0 ? 1 : 0;
}

async function runOne(args: SimArguments, seed: number): Promise<RunResult> {
  const request = { options: drawOptions(seed, fixedBy(args)), skip: new Set(args.skip), trace: args.trace };
  const result = await runSeed(request);
  if (args.trace) console.log(result.trace.join("\n"));
  if (seed % TWICE_EVERY !== 0 || result.failure !== null) return result;
  const again = await runSeed(request);
  if (again.traceHash === result.traceHash) return result;
  const message = `two runs of one seed differ: ${result.traceHash} and ${again.traceHash}`;
  return { ...result, failure: { invariant: "determinism", message, atMs: 0 } };
}

function replayLine({ options }: RunResult, args: SimArguments): string {
  const fixed = [
    args.replicas === null ? "" : ` --replicas ${args.replicas}`,
    args.virtualSeconds === null ? "" : ` --virtual-seconds ${args.virtualSeconds}`,
    args.skip.length === 0 ? "" : ` --skip ${args.skip.join(",")}`,
  ];
  return `npm run sim -- --seed ${options.seed} --seeds 1${fixed.join("")}`;
}

async function report(result: RunResult, args: SimArguments): Promise<void> {
  clearProgress();
  const { failure, options, traceHash } = result;
  if (failure === null) return;
  console.log(`VIOLATION of ${failure.invariant} in seed ${options.seed} at ${failure.atMs.toFixed(1)} ms`);
  console.log(`  ${failure.message}`);
  console.log(`  options: ${JSON.stringify(options)}`);
  console.log(`  trace hash: ${traceHash}`);
  console.log(`  replay: ${replayLine(result, args)}`);
  if (!args.minimize) return;
  const scenario = await minimize(result, fixedBy(args), args.skip, (runs, faults, note) =>
    console.log(`  run ${runs}: ${note}; ${faults} faults left`),
  );
  const file = path.join(SCENARIO_FOLDER, `${failure.invariant}-${options.seed}.json`);
  writeFileSync(file, `${JSON.stringify(scenario, null, 2)}\n`);
  console.log(`  scenario: npm run sim -- --scenario ${path.relative(process.cwd(), file)}`);
}

async function replay(args: SimArguments): Promise<number> {
  const scenario = readScenario(args.scenario ?? "");
  const result = await runSeed({ ...requestOf(scenario), trace: args.trace });
  if (args.trace) console.log(result.trace.join("\n"));
  console.log(`found as: ${scenario.found}`);
  if (result.failure === null) {
    console.log("now every invariant holds");
    return 0;
  }
  console.log(`VIOLATION of ${result.failure.invariant}: ${result.failure.message}`);
  console.log(`faults: ${result.injected.join(", ")}`);
  return 1;
}

function showProgress(summary: Summary, startedAt: number, { seeds }: SimArguments): void {
  if (!process.stderr.isTTY) return;
  const rate = (summary.seeds / (performance.now() - startedAt)) * 1000;
  const of = seeds === null ? "" : ` of ${seeds}`;
  process.stderr.write(`\r${summary.seeds}${of} seeds, ${rate.toFixed(1)} seeds/s `);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
