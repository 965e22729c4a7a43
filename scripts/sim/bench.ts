/** How many seeds a core runs in a second: lives of 60 virtual seconds with 5 replicas, unless told otherwise. */
import { availableParallelism, loadavg } from "node:os";
import { drawOptions, type FixedOptions } from "../../test/sim/options.ts";
import { type RunResult, runSeed } from "../../test/sim/run-seed.ts";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { EXIT_STOPPED } from "./exit.ts";

export interface BenchRequest {
  /** Null: as many as make single ones unimportant. */
  readonly seeds: number | null;
  readonly firstSeed: number;
  readonly replicas: number | null;
  readonly virtualSeconds: number | null;
}

interface Measured {
  readonly result: RunResult;
  /** Processor time of the whole process, garbage collection included. */
  readonly cpuMs: number;
}

const SEEDS = 100;

/** Runs before the clock starts, so that what is measured is compiled. */
const WARM_UP_SEEDS = 3;

export async function runBench(request: BenchRequest): Promise<number> {
  const { firstSeed } = request;
  const seeds = request.seeds ?? SEEDS;
  const replicas = request.replicas ?? 5;
  const seconds = request.virtualSeconds ?? 60;
  const fixed = { replicas, durationMs: seconds * 1000 };
  const all: Measured[] = [];
  const finish = (): number => {
    const head = `${seconds} virtual seconds with faults, ${replicas} replicas, seeds ${firstSeed} to ${firstSeed + all.length - 1}`;
    console.log(`${head}, every invariant after every step; the rest as drawn:`);
    for (const line of report(all)) console.log(`  ${line}`);
    return all.some(({ result }) => result.failure !== null) ? 1 : 0;
  };
  onStopSignal(() => process.exit((all.length === 0 ? 0 : finish()) === 0 ? EXIT_STOPPED : 1));
  for (let i = 0; i < WARM_UP_SEEDS; i += 1) await measure(firstSeed + seeds + i, { replicas });
  for (let i = 0; i < seeds; i += 1) {
    const measured = await measure(firstSeed + i, fixed);
    const { failure } = measured.result;
    if (failure !== null) console.log(`VIOLATION of ${failure.invariant} in seed ${firstSeed + i}`);
    all.push(measured);
  }
  return finish();
}

async function measure(seed: number, fixed: FixedOptions): Promise<Measured> {
  const before = process.cpuUsage();
  const result = await runSeed({ options: drawOptions(seed, fixed), skip: new Set(), trace: false });
  const { user, system } = process.cpuUsage(before);
  return { result, cpuMs: (user + system) / 1000 };
}

function report(all: readonly Measured[]): readonly string[] {
  const results = all.map(({ result }) => result);
  const cpuMs = sum(all.map((one) => one.cpuMs));
  const events = results.map(({ steps }) => steps);
  const aSeed = (total: number): string => (total / all.length).toFixed(0);
  const [load = 0] = loadavg();
  return [
    `heartbeats ${shares(results.map(({ options }) => options.heartbeatMs))} ms`,
    `elections ${shares(results.map(({ options }) => options.electionMs))} ms`,
    `clients ${shares(results.map(({ options }) => options.clients))}`,
    `pauses of clients ${shares(results.map(({ options }) => options.thinkMs))} ms`,
    `a seed: ${aSeed(sum(results.map(({ begun }) => begun)))} operations, ${aSeed(sum(results.flatMap(({ faults }) => Object.values(faults))))} faults, ${aSeed(sum(results.map(({ reached }) => reached.elections)))} elections`,
    `a seed: ${aSeed(sum(events))} events (${Math.min(...events)} to ${Math.max(...events)}, median ${median(events)})`,
    `${((all.length / cpuMs) * 1000).toFixed(2)} seeds/s/core: ${aSeed(cpuMs)} ms of a core a seed, ${((cpuMs / sum(events)) * 1000).toFixed(1)} us an event`,
    `${availableParallelism()} cores, load ${load.toFixed(1)}`,
  ];
}

/** Each value that occurs, and how often. */
function shares(values: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return sorted.map(([value, count]) => (count === 1 ? `${value}` : `${value} (${count})`)).join(", ");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
