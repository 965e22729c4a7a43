/**
 * Liveness: with the faults gone the cluster comes back by itself, in bounded time and with a bounded
 * number of elections and messages, loses nothing, and serves through every replica.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { completeCommand, encodeBody, putCommand } from "../../src/gateway/commands.ts";
import { RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { violated } from "../raft/invariants/violation.ts";
import { endUsers } from "./auth/end-users.ts";
import { CLUSTER, type Cluster } from "./cluster.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";
import type { SimGateway } from "./gateway/sim-gateway.ts";
import type { RunOptions } from "./options.ts";
import type { NaiveStore } from "./oracle/naive-store.ts";
import type { SimObject } from "./platform/sim-object.ts";
import { settleLeases } from "./settle-leases.ts";
import { settleMembers } from "./settle-members.ts";
import { checkSleep } from "./sleep.ts";
import type { Watchers } from "./watches/start-watchers.ts";
import type { World } from "./world/world.ts";

export interface HealParts {
  readonly world: World;
  readonly cluster: Cluster;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly gateway: SimGateway;
  readonly clientsWait: () => boolean;
  readonly watchers: Watchers;
  /** Nothing is restored any more. */
  readonly isRestored: () => boolean;
  readonly store: NaiveStore;
}

/** Elections that getting well may take: each may fail by split votes, and logs must be compared. */
const TERMS_MAX = 12;

export async function heal(parts: HealParts): Promise<void> {
  const { world, cluster, options, faults } = parts;
  faults.heal();
  cluster.links.mend();
  for (const object of cluster.objects) object.heal();
  const termBefore = highestTerm(cluster.objects.filter(({ wiped }) => !wiped));
  // Calls that were under way may still be late by this much; then the real waiting begins.
  await world.run(world.now + 5 * options.electionMs + options.tailMs + 11_000);
  await endRestore(parts);
  if (options.users) await endUsers(parts);
  const settled = options.memberMs > 0 ? await settleMembers(parts) : cluster.objects;
  const sound = settled.filter(({ wiped }) => !wiped);
  const served = new Set<string>();
  for (const { target } of sound) serveThrough(parts, target.member, served);
  const deadline = world.now + 40 * options.electionMs + 30_000;
  const well = (): boolean => served.size === 2 * sound.length && !parts.clientsWait() && isConverged(sound);
  while (!well()) {
    if (world.now >= deadline) violated("heal", `not well in time: ${describe(sound, served, parts)}`);
    await world.run(world.now + options.electionMs, well);
  }
  await settleLeases(world, parts.store, sound);
  const terms = highestTerm(sound) - termBefore;
  if (terms > TERMS_MAX) violated("election-budget", `getting well took ${terms} terms`);
  await parts.watchers.close();
  await checkQuiet(parts, sound);
  // Automatic compaction may have begun one more entry just now.
  if (!isConverged(sound)) await world.run(world.now + 10 * options.electionMs, () => isConverged(sound));
  checkEqual(sound);
  // Later members are called by names that repeat: what is asleep is judged of the first ones only.
  if (options.memberMs === 0)
    await checkSleep({ ...parts, serve: (name, by) => serveThrough(parts, name, by) }, sound);
}

/** Until then nobody else is served. */
async function endRestore({ world, options, isRestored }: HealParts): Promise<void> {
  const deadline = world.now + 40 * options.electionMs + 60_000;
  await world.run(deadline, isRestored);
  if (!isRestored()) violated("restore-ends", "a backup cannot be restored");
}

/** A write and a linearizable read through one replica, repeated until they succeed. */
function serveThrough(parts: HealParts, member: string, served: Set<string>): void {
  const { gateway, world } = parts;
  const choice = { cluster: CLUSTER, pin: member };
  const body = encodeBody(putCommand(utf8("healed"), utf8(member), []));
  const again = (run: () => void) => (): void => gateway.run(run);
  const write = (): void => {
    gateway.router
      .propose(choice, {
        operationId: () => gateway.entropy.bytes(16),
        encode: (id, seen) => completeCommand(body, id, seen),
      })
      .then((outcome) => {
        const isServed =
          outcome.kind === "applied" ||
          (outcome.kind === "rejected" && ["noSpace", "corrupt"].includes(outcome.error));
        if (isServed) served.add(`write ${member}`);
        else world.after(100, again(write));
      })
      .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
  };
  const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: utf8("healed") }));
  const read = (): void => {
    gateway.router
      .range(choice, { request, consistency: "linearizable", minRevision: 0 })
      .then((outcome) => {
        if (outcome.kind === "range") served.add(`read ${member}`);
        else world.after(100, again(read));
      })
      .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
  };
  gateway.run(write);
  gateway.run(read);
}

function highestTerm(objects: readonly SimObject[]): number {
  return Math.max(0, ...objects.map(({ disk }) => disk.mirror.term));
}

function isConverged(objects: readonly SimObject[]): boolean {
  const [first] = objects;
  if (first === undefined) return true;
  const leaders = objects.filter(({ core }) => core?.role === "leader" && core.term === highestTerm(objects));
  const { last, commit } = first.disk.mirror;
  return (
    leaders.length === 1 &&
    commit === last &&
    objects.every(
      ({ disk }) =>
        disk.pending.length === 0 &&
        disk.mirror.last === last &&
        disk.mirror.commit === last &&
        disk.mirror.applied === last,
    )
  );
}

/** A well and idle cluster keeps its leader and says little. */
async function checkQuiet(
  { world, cluster, options }: HealParts,
  objects: readonly SimObject[],
): Promise<void> {
  const term = highestTerm(objects);
  const before = cluster.network.calls;
  const heartbeats = 20;
  await world.run(world.now + heartbeats * options.heartbeatMs);
  const calls = cluster.network.calls - before;
  // A heartbeat to each, and as much again for whatever is late; a wiped replica goes on asking.
  const budget = 2 * (heartbeats + 2) * Math.max(1, cluster.objects.length - 1) + 20;
  if (calls > budget) violated("message-budget", `${calls} calls in ${heartbeats} idle heartbeats`);
  if (highestTerm(objects) !== term) violated("election-budget", "a healthy, idle cluster had an election");
}

function checkEqual(objects: readonly SimObject[]): void {
  const hashes = objects.map((object) => object.machineHash());
  if (new Set(hashes).size > 1) violated("equal-content", `replicas differ: ${hashes.join(", ")}`);
}

function describe(objects: readonly SimObject[], served: ReadonlySet<string>, parts: HealParts): string {
  const states = objects.map(({ name, disk, core, alarm, instance }) => {
    const { term, commit, applied, last } = disk.mirror;
    const memory =
      core === null
        ? "no memory"
        : `${core.role} of term ${core.term}, log to ${core.log.last}, commit ${core.log.commit}, applied ${core.applied}`;
    const due = instance?.host?.engine?.deadline() ?? null;
    return `${name}: disk ${term}/${last} commit ${commit} applied ${applied} pending ${disk.pending.length}; ${memory}; alarm ${alarm.atMs}, due ${due}`;
  });
  return `served ${[...served].join(", ")}; clients wait: ${parts.clientsWait()}; ${states.join(" | ")}`;
}
