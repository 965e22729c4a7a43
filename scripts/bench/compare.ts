/** Interleaved rounds over all targets: what else the machine does in a while hits all of them alike. */
import { fillRequests, keysOf, sendAll } from "./fill.ts";
import { load, type Round } from "./load.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { Target } from "./targets.ts";

/** How long and how often a number of connections is measured. */
export interface Plan {
  readonly connections: number;
  readonly rounds: number;
  readonly durationMs: number;
}

/** Code that has just been loaded is slow: before the rounds each target is loaded for a moment. */
const WARM_UP: Plan = { connections: 32, rounds: 1, durationMs: 250 };

/** One target with one number of connections. */
export interface Result {
  readonly target: Target;
  readonly connections: number;
  readonly rounds: readonly Round[];
}

/** Every key is written wherever it may be read. */
export async function fillKeys(
  subjects: Subjects,
  connections: number,
  valueBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const keys = keysOf(connections);
  const value = Buffer.alloc(valueBytes, "v");
  const requests = fillRequests(keys, value);
  for (const name of ["one", "processes", "etcd"] as const) {
    const [url] = subjects.get(name)?.urls ?? [];
    if (url !== undefined) await sendAll(url, requests, signal);
  }
  const [url] = subjects.get("one")?.urls ?? [];
  const puts = keys.map((key) => ({ method: "PUT", path: `/plain/${key}`, body: value }) as const);
  if (url !== undefined) await sendAll(url, puts, signal);
}

/** Measures all targets that run, plan by plan; each round begins with another target. */
export async function compare(
  targets: readonly Target[],
  subjects: Subjects,
  plans: readonly Plan[],
  signal: AbortSignal,
  tell: (what: string) => void,
): Promise<readonly Result[]> {
  const running = targets.filter((target) => subjects.get(target.subject) !== null);
  const results: Result[] = [];
  for (const target of running) {
    tell(`warming up: ${target.group}: ${target.name}`);
    await measure(target, subjects, WARM_UP, signal);
    signal.throwIfAborted();
  }
  for (const plan of plans) {
    const rounds = new Map<Target, Round[]>(running.map((target) => [target, []]));
    for (let round = 0; round < plan.rounds; round += 1) {
      const first = Math.floor((round * running.length) / plan.rounds);
      for (const target of [...running.slice(first), ...running.slice(0, first)]) {
        const where = `${plan.connections} connections, round ${round + 1} of ${plan.rounds}`;
        tell(`${where}: ${target.group}: ${target.name}`);
        rounds.get(target)?.push(await measure(target, subjects, plan, signal));
        signal.throwIfAborted();
      }
    }
    for (const target of running) {
      results.push({ target, connections: plan.connections, rounds: rounds.get(target) ?? [] });
    }
  }
  return results;
}

function measure(target: Target, subjects: Subjects, plan: Plan, signal: AbortSignal): Promise<Round> {
  const subject = subjects.get(target.subject);
  if (subject === null) throw new Error(`${target.id} does not run`);
  return load(subject, target.open(subject, plan.connections), plan.durationMs, signal);
}
