/** `npm run bench`: what runs, in which order, and where its results go. */
import { compare, fillKeys } from "./compare.ts";
import { failoverMs } from "./failover.ts";
import { type Figure, failoverFigure, ratioFigures } from "./figures.ts";
import { commitOf, describeMachine, sampleBusyness } from "./machine.ts";
import { isWanted, type Options } from "./options.ts";
import { clearProgress, showProgress } from "./progress.ts";
import { type Report, roundsOf } from "./report.ts";
import { etcdVersion } from "./subjects/etcd-cluster.ts";
import { DEFAULT_ELECTION_MS } from "./subjects/replica-processes.ts";
import { Subjects } from "./subjects/subjects.ts";
import { allTargets, type Target } from "./targets.ts";

const FAILOVER = "failover";
const NO_ETCD = "etcd is not installed (Debian: apt-get install etcd-server): nothing is compared with it";

export async function runCompare(options: Options, signal: AbortSignal): Promise<Report> {
  const targets = allTargets(options.valueBytes).filter(({ id }) => isWanted(options, id));
  const kills = isWanted(options, FAILOVER) ? options.failovers : 0;
  if (targets.length === 0 && kills === 0) {
    throw new Error(`--only ${options.only.join(",")} names nothing; --list shows what there is`);
  }
  const startedAt = new Date().toISOString();
  showProgress("looking whether the machine is at rest");
  const before = await sampleBusyness();
  await using subjects = new Subjects(signal, showProgress);
  const wanted = new Set(targets.map(({ subject }) => subject));
  if (kills > 0) wanted.add("processes");
  await subjects.start(wanted);
  const skipped = skippedOf(targets, subjects);
  showProgress("writing the keys");
  const connectionsMax = Math.max(...options.plans.map(({ connections }) => connections));
  await fillKeys(subjects, connectionsMax, options.valueBytes, signal);
  const results = await compare(targets, subjects, options.plans, signal, showProgress);
  const failovers = await killLeaders(subjects, kills, signal);
  clearProgress();
  const figures: Figure[] = [...ratioFigures(results.map(roundsOf))];
  if (failovers.length > 0) figures.push(failoverFigure(failovers, DEFAULT_ELECTION_MS));
  await subjects[Symbol.asyncDispose]();
  return {
    format: 1,
    startedAt,
    commit: commitOf(),
    machine: describeMachine(),
    busyness: [before, await sampleBusyness()],
    isQuick: options.isQuick,
    etcd: etcdVersion(),
    valueBytes: options.valueBytes,
    plans: options.plans,
    skipped,
    results,
    figures,
    failoverMs: failovers,
  };
}

function skippedOf(targets: readonly Target[], subjects: Subjects): readonly string[] {
  const isMissing = targets.some(({ subject }) => subject === "etcd") && subjects.get("etcd") === null;
  return isMissing ? [NO_ETCD] : [];
}

async function killLeaders(
  subjects: Subjects,
  kills: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const { processes } = subjects;
  if (processes === null) return [];
  const times: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    showProgress(`killing the leader, ${kill + 1} of ${kills}`);
    times.push(await failoverMs(processes, signal));
  }
  return times;
}
