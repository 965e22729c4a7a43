/**
 * With the faults gone, the configuration follows the records: whoever was added counts, whoever was
 * removed does not, and the gateway finds them all.
 */
import { violated } from "../raft/invariants/violation.ts";
import { CLUSTER } from "./cluster.ts";
import type { HealParts } from "./heal.ts";
import type { SimObject } from "./platform/sim-object.ts";

/** The members at the end, when all changes are complete. */
export async function settleMembers({
  world,
  cluster,
  options,
  gateway,
}: HealParts): Promise<readonly SimObject[]> {
  const deadline = world.now + 60 * options.electionMs + 30_000;
  let known: readonly string[] = [];
  for (;;) {
    gateway.run(() => {
      gateway.router
        .statuses(CLUSTER)
        .then(({ members }) => {
          known = members.map(({ name }) => name);
        })
        .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
    });
    await world.run(world.now + options.electionMs);
    const members = cluster.members();
    const leader = members.find((object) => isSettled(object, world.now));
    const names = members.map(({ target }) => target.member);
    const former = cluster.objects.filter((object) => !members.includes(object));
    if (leader !== undefined && same(known, names) && former.every(isRetired)) return members;
    if (world.now < deadline) continue;
    const states = cluster.objects.map((object) => describe(object, world.now));
    violated("members-settle", `gateway: ${known.join(", ")}; ${states.join(" | ")}`);
  }
}

/** It leads, and its configuration is what the records say. */
export function isSettled({ core, instance }: SimObject, now: number): boolean {
  const status = core?.role === "leader" ? instance?.host?.engine?.status(now) : undefined;
  if (core === null || status === undefined) return false;
  const { index, configuration } = core.configurations.latest;
  const ids = [...configuration.voters, ...configuration.learners];
  return (
    index <= core.log.commit &&
    configuration.votersOutgoing.length === 0 &&
    same(
      ids,
      status.members.map(({ id }) => id),
    ) &&
    status.members.every(({ id, serves }) => serves || configuration.learners.includes(id))
  );
}

/**
 * It was told, or knows by itself, that it has no part in elections any more; or it sleeps, and will be
 * told when somebody wakes it.
 */
function isRetired({ core, instance, alarm }: SimObject): boolean {
  if (core === null) return alarm.atMs === null || instance === null;
  return core.isAsleep || instance?.host?.engine?.stopped !== null || !core.promotable;
}

function describe({ name, core, instance }: SimObject, now: number): string {
  const engine = instance?.host?.engine;
  if (core === null || engine === null || engine === undefined) return `${name}: no memory`;
  const { voters, learners, members, stopped } = engine.status(now);
  const { votersOutgoing } = core.configurations.current;
  const leaving = votersOutgoing.length === 0 ? "" : ` (joint with ${votersOutgoing})`;
  const recorded = members.map((member) => `${member.name}${member.serves ? "" : "?"}`);
  return `${name}: ${stopped ?? core.role} of term ${core.term}, voters ${voters}${leaving}, learners ${learners}, records ${recorded}`;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
