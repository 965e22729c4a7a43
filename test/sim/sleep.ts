/**
 * Sleep: a cluster that is well and has nothing to do has no alarm, makes no call and writes nothing for
 * as long as nobody asks for more than a replica knows by itself; whoever asks then is served through
 * every replica, without an election while the leader lives, though all memory may be lost. If the leader
 * is lost, the others sleep without it, and look for it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { completeCommand, encodeBody, putCommand } from "../../src/gateway/commands.ts";
import { RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { violated } from "../raft/invariants/violation.ts";
import type { Cluster } from "./cluster.ts";
import type { SimGateway } from "./gateway/sim-gateway.ts";
import type { RunOptions } from "./options.ts";
import type { NaiveStore } from "./oracle/naive-store.ts";
import { hostOf } from "./platform/instance.ts";
import type { SimObject } from "./platform/sim-object.ts";
import { checkSleepOverLease } from "./sleep-over-lease.ts";
import { stream } from "./world/streams.ts";
import type { World } from "./world/world.ts";

const HOUR_MS = 3_600_000;
const HEALED = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: utf8("healed") }));
/** Clients' calls of the time of faults may still arrive. */
const STRAGGLERS_MS = 60_000;

export interface SleepParts {
  readonly world: World;
  readonly cluster: Cluster;
  readonly options: RunOptions;
  readonly gateway: SimGateway;
  readonly store: NaiveStore;
  /** Writes and reads through one member until both succeeded, and notes that. */
  readonly serve: (member: string, served: Set<string>) => void;
}

export async function checkSleep(parts: SleepParts, objects: readonly SimObject[]): Promise<void> {
  const { world, cluster, options } = parts;
  const isDisturbed = options.upkeep.compactAfterMs !== null || cluster.objects.some(({ wiped }) => wiped);
  if (options.quiesceMs === 0 || options.replicas === 1 || isDisturbed) return;
  await world.run(world.now + STRAGGLERS_MS);
  await fallAsleep(parts, objects, "still awake");
  // Leases wake their leader when they end; everything else has to wait for a client.
  if (objects.some(hasPlans)) return;
  await checkHour(parts, objects);
  await checkWaking(parts, objects);
  if (options.leases) {
    await checkSleepOverLease(parts, objects, () => fallAsleep(parts, objects, "awake over a lease"));
  }
}

async function fallAsleep(
  { world, options }: SleepParts,
  objects: readonly SimObject[],
  what: string,
): Promise<void> {
  const limit = world.now + 2 * options.quiesceMs + 20 * options.electionMs;
  while (!objects.every(sleeps)) {
    if (world.now >= limit) violated("sleep", `${what}: ${describe(objects)}`);
    await world.run(world.now + options.electionMs, () => objects.every(sleeps));
  }
  if (objects.some(hasIdleAlarm)) violated("sleep", `asleep with an alarm: ${describe(objects)}`);
}

function sleeps({ core, disk }: SimObject): boolean {
  return core?.isAsleep !== false && disk.pending.length === 0;
}

/** Asleep, with an alarm though nothing is due: it would fire in vain, and is paid for. */
function hasIdleAlarm(object: SimObject): boolean {
  return object.core?.isAsleep === true && object.alarm.atMs !== null && !hasPlans(object);
}

function hasPlans({ instance, core }: SimObject): boolean {
  return core?.isAsleep === true && (instance?.host?.engine?.deadline() ?? null) !== null;
}

async function checkHour({ world, cluster }: SleepParts, objects: readonly SimObject[]): Promise<void> {
  const { calls } = cluster.network;
  const written = transactions(objects);
  await world.run(world.now + HOUR_MS / 2);
  for (const object of objects) peek(object);
  await world.run(world.now + HOUR_MS / 2);
  const made = cluster.network.calls - calls;
  if (made > 0) violated("sleep", `${made} calls in an hour of nothing: ${describe(objects)}`);
  const wrote = transactions(objects) - written;
  if (wrote > 0) violated("sleep", `${wrote} transactions in an hour of nothing: ${describe(objects)}`);
  const alarms = objects.filter(({ alarm }) => alarm.atMs !== null);
  if (alarms.length > 0) violated("sleep", `alarms in an hour of nothing: ${describe(objects)}`);
}

function transactions(objects: readonly SimObject[]): number {
  return objects.reduce((sum, { disk }) => sum + disk.issued, 0);
}

/** Asks a replica for what it can tell without the others: that wakes nobody. */
function peek(object: SimObject): void {
  const call = { request: HEALED, consistency: "serializable", minRevision: 0, timeoutMs: 1_000 } as const;
  object.event(
    "peek",
    (instance) => {
      void hostOf(instance).range(object.target, call);
      void hostOf(instance).status(object.target);
    },
    () => undefined,
  );
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
  if (!isLeaderLost) await checkFirstCalls(parts, random.pick(objects), lost);
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
  if (isLeaderLost) await checkReturn(parts, objects, leader);
  else await fallAsleep(parts, objects, `awake after ${lost} was lost`);
}

/** While the leader lives, whoever is woken knows whom to ask, and answers the very calls that woke it. */
async function checkFirstCalls(
  { world, options, gateway }: SleepParts,
  asked: SimObject,
  lost: string,
): Promise<void> {
  // Two calls at once may be one too many.
  if (options.tailMs > 0 || "readsWaitingMax" in options.limits) return;
  const timeoutMs = 10 * options.electionMs + 10_000;
  const { target } = asked;
  const put = encodeBody(putCommand(utf8("healed"), utf8("woken"), []));
  const write = { command: completeCommand(put, gateway.entropy.bytes(16), 0), mayForward: true, timeoutMs };
  const read = { request: HEALED, consistency: "linearizable", minRevision: 0, timeoutMs } as const;
  const kinds: string[] = [];
  const noted = (reply: Promise<{ readonly kind: string }>): void => {
    void reply.then(({ kind }) => kinds.push(kind));
  };
  asked.event(
    "ask",
    (instance) => {
      noted(hostOf(instance).range(target, read));
      noted(hostOf(instance).propose(target, write));
    },
    () => undefined,
  );
  await world.run(world.now + timeoutMs, () => kinds.length === 2);
  if (kinds.length === 2 && !kinds.includes("unavailable")) return;
  violated("sleep", `${asked.name}, woken with ${lost} lost, answers [${kinds.join(", ")}]`);
}

/** Those that are there sleep without the one that is not; when it is back, they find it. */
async function checkReturn(parts: SleepParts, objects: readonly SimObject[], lost: SimObject): Promise<void> {
  const { world } = parts;
  const others = objects.filter((object) => object !== lost);
  await fallAsleep(parts, others, `awake though only ${lost.name} is away`);
  await world.run(world.now + HOUR_MS);
  // Away for longer, it is looked for every hour.
  await world.run(world.now + HOUR_MS + STRAGGLERS_MS);
  await fallAsleep(parts, objects, `awake though ${lost.name} is back`);
  const ends = new Set(objects.map(({ disk }) => disk.mirror.commit));
  if (ends.size > 1) violated("sleep", `${lost.name} was forgotten: ${describe(objects)}`);
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
