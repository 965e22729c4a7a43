/**
 * Sleep: a cluster that is well and has nothing to do sets no alarm, makes no call and writes nothing for
 * as long as nobody asks; whoever asks then is served through every replica, without an election while
 * the leader lives, though all memory may be lost.
 */
import { violated } from "../raft/invariants/violation.ts";
import type { Cluster } from "./cluster.ts";
import type { RunOptions } from "./options.ts";
import type { SimObject } from "./platform/sim-object.ts";
import { stream } from "./world/streams.ts";
import type { World } from "./world/world.ts";

const HOUR_MS = 3_600_000;
/** Clients' calls of the time of faults may still arrive. */
const STRAGGLERS_MS = 60_000;

export interface SleepParts {
  readonly world: World;
  readonly cluster: Cluster;
  readonly options: RunOptions;
  /** Writes and reads through one member until both succeeded, and notes that. */
  readonly serve: (member: string, served: Set<string>) => void;
}

export async function checkSleep(parts: SleepParts, objects: readonly SimObject[]): Promise<void> {
  const { world, cluster, options } = parts;
  const isDisturbed = options.upkeep.compactAfterMs !== null || cluster.objects.some(({ wiped }) => wiped);
  if (options.quiesceMs === 0 || options.replicas === 1 || isDisturbed) return;
  await world.run(world.now + STRAGGLERS_MS);
  const limit = world.now + 2 * options.quiesceMs + 20 * options.electionMs;
  while (!objects.every(sleeps)) {
    if (world.now >= limit) violated("sleep", `still awake: ${describe(objects)}`);
    await world.run(world.now + options.electionMs, () => objects.every(sleeps));
  }
  // Leases wake their leader when they end; everything else has to wait for a client.
  if (objects.some(hasPlans)) return;
  await checkHour(parts, objects);
  await checkWaking(parts, objects);
}

function sleeps({ core, disk }: SimObject): boolean {
  return core?.isAsleep !== false && disk.pending.length === 0;
}

function hasPlans({ instance, core }: SimObject): boolean {
  return core?.isAsleep === true && (instance?.host?.engine?.deadline() ?? null) !== null;
}

async function checkHour({ world, cluster }: SleepParts, objects: readonly SimObject[]): Promise<void> {
  const calls = cluster.network.calls;
  await world.run(world.now + HOUR_MS);
  const made = cluster.network.calls - calls;
  if (made > 0) violated("sleep", `${made} calls in an hour of nothing: ${describe(objects)}`);
  const alarms = objects.filter(({ alarm }) => alarm.atMs !== null);
  if (alarms.length > 0) violated("sleep", `alarms in an hour of nothing: ${describe(objects)}`);
}

async function checkWaking(parts: SleepParts, objects: readonly SimObject[]): Promise<void> {
  const { world, options, serve } = parts;
  const random = stream(options.seed, "sleep");
  const term = Math.max(...objects.map(({ disk }) => disk.mirror.term));
  const leader = objects.find(({ core }) => core?.role === "leader");
  const lost = random.pick(["nothing", "all memory", "the leader's memory", "the leader"] as const);
  const isLeaderLost = lost === "the leader" && leader !== undefined && options.replicas > 2;
  if (lost === "all memory") for (const object of objects) object.evict();
  else if (isLeaderLost) leader.goDown(HOUR_MS);
  else if (lost !== "nothing") leader?.evict();
  const served = new Set<string>();
  const asked = objects.filter((object) => !isLeaderLost || object !== leader);
  // One alone: the others must be woken by it.
  const first = random.pick(asked);
  for (const some of [[first], asked.filter((object) => object !== first)]) {
    const wanted = served.size + 2 * some.length;
    for (const { name } of some) serve(name, served);
    const limit = world.now + 15 * options.electionMs + 10_000;
    while (served.size < wanted) {
      const missing = `served ${[...served].join(", ")} with ${lost} lost: ${describe(objects)}`;
      if (world.now >= limit) violated("sleep", missing);
      await world.run(world.now + options.electionMs, () => served.size === wanted);
    }
  }
  const after = Math.max(...objects.map(({ disk }) => disk.mirror.term));
  if (!isLeaderLost && after !== term) violated("sleep", `an election though only ${lost} was lost`);
}

function describe(objects: readonly SimObject[]): string {
  return objects
    .map(({ name, core, alarm, instance, disk }) => {
      const state = core === null ? "no memory" : `${core.role} ${core.isAsleep ? "asleep" : "awake"}`;
      const due = instance?.host?.engine?.deadline() ?? null;
      return `${name}: ${state}, term ${disk.mirror.term}, alarm ${alarm.atMs}, due ${due}`;
    })
    .join(" | ");
}
