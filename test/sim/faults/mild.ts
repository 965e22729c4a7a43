/**
 * Mild misfortunes: a majority stays connected and undisturbed, so service must go on and leadership
 * stay where it can. Nothing else goes wrong in such a run.
 */
import type { Prng } from "../../../src/base/prng.ts";
import type { Cluster } from "../cluster.ts";
import { Availability } from "../invariants/availability.ts";
import type { Mild, RunOptions } from "../options.ts";
import type { SimObject } from "../platform/sim-object.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { FaultPlan } from "./fault-plan.ts";

export interface MildParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly cluster: Cluster;
  /** Clients still have something to ask for. */
  readonly isAsked: () => boolean;
}

type Links = readonly (readonly [from: number, to: number])[];

/** Begins once there is a leader that all follow. */
export function startMild(parts: MildParts): void {
  const { world, options, faults, cluster } = parts;
  const { mild } = options;
  if (mild === null) return;
  const wait = (): void => {
    if (faults.healed) return;
    const leader = settledLeader(cluster);
    if (leader === null) world.after(options.heartbeatMs, wait);
    else begin(parts, mild, leader);
  };
  world.after(2 * options.electionMs, wait);
}

function begin(parts: MildParts, mild: Mild, leader: SimObject): void {
  const { world, options, faults, cluster } = parts;
  const random = stream(options.seed, "mild acts");
  const others = cluster.objects.filter((object) => object !== leader);
  const one = random.pick(others);
  world.trace.note(world.now, "fault", [leader.index, one.index], () => `${mild} of ${one.name}`);
  switch (mild) {
    case "cut-link":
      cut(cluster, both([[leader.index, one.index]]));
      break;
    case "one-away":
      cut(cluster, both(linksOf(one, cluster)));
      break;
    case "deaf-leader":
      cut(
        cluster,
        others.map(({ index }) => [index, leader.index]),
      );
      break;
    case "flapping": {
      const flap = (): void => {
        if (faults.healed) return;
        const mend = cut(cluster, both(linksOf(one, cluster)));
        // Now and then for longer than its leader keeps anything open for it.
        const elections = random.chance(0.2) ? 11 + 3 * random.fraction() : 0.2 + 3 * random.fraction();
        world.after(elections * options.electionMs, () => {
          mend();
          world.after(2 * random.fraction() * options.electionMs, flap);
        });
      };
      flap();
      break;
    }
    case "cut-asleep":
      cutAsleep(parts, random);
      break;
  }
  judge(parts, mild);
}

/** Whenever everybody sleeps, somebody else loses the leader; all of them come back before they sleep again. */
function cutAsleep({ world, options, faults, cluster }: MildParts, random: Prng): void {
  const look = (): void => {
    if (faults.healed) return;
    const leader = settledLeader(cluster);
    const isQuiet = cluster.objects.every(({ core }) => core?.isAsleep === true);
    if (leader === null || !isQuiet) {
      world.after(options.heartbeatMs / 2, look);
      return;
    }
    const one = random.pick(cluster.objects.filter((object) => object !== leader));
    const mend = cut(cluster, both([[leader.index, one.index]]));
    world.after((4 + 8 * random.fraction()) * options.electionMs, () => {
      mend();
      look();
    });
  };
  look();
}

function judge({ world, options, faults, cluster, isAsked }: MildParts, mild: Mild): void {
  const availability = new Availability(cluster, options, mild, world.now);
  const look = (): void => {
    // Clients that have done all they meant to do ask for nothing.
    if (faults.healed || !isAsked()) return;
    availability.check(world.now);
    world.after(options.heartbeatMs, look);
  };
  look();
}

/** A leader of the highest term that has committed in it and whom everybody follows; else null. */
function settledLeader({ objects }: Cluster): SimObject | null {
  const cores = objects.map(({ core }) => core);
  const index = cores.findIndex((core) => core?.role === "leader");
  const leader = cores[index] ?? null;
  if (leader === null || leader.log.commit < leader.termStartIndex) return null;
  const followed = cores.every((core) => core?.leader === leader.id && core.term === leader.term);
  return followed ? (objects[index] ?? null) : null;
}

function linksOf(one: SimObject, { objects }: Cluster): Links {
  return objects.filter((object) => object !== one).map(({ index }) => [one.index, index]);
}

function both(links: Links): Links {
  return links.flatMap(([a, b]) => [
    [a, b],
    [b, a],
  ]);
}

function cut({ links }: Cluster, which: Links): () => void {
  const mends = which.map(([from, to]) => links.cut(from, to));
  return () => {
    for (const mend of mends) mend();
  };
}
