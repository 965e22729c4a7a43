/** Does something to the cluster every now and then: the faults that are not part of one call. */
import type { Prng } from "../../../src/base/prng.ts";
import type { Cluster } from "../cluster.ts";
import type { FaultKind, RunOptions } from "../options.ts";
import type { SimObject } from "../platform/sim-object.ts";
import { isSettled } from "../settle-members.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { FaultPlan } from "./fault-plan.ts";

export interface NemesisParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly cluster: Cluster;
  readonly restartGateway: (index: number) => void;
  readonly gateways: number;
}

/** Share of outages that outlast every client's patience. */
const LONG = 0.15;

/** How often, and how many times, somebody looks whether a change of members is under way. */
const LOOK_MS = 2;
const LOOKS_MAX = 1_000;

type Act = (nemesis: NemesisParts, random: Prng) => void;

function someObject({ cluster }: NemesisParts, random: Prng): SimObject {
  // Leaders are worth more trouble than others.
  const leaders = cluster.objects.filter(({ core }) => core?.role === "leader");
  return leaders.length > 0 && random.chance(0.5) ? random.pick(leaders) : random.pick(cluster.objects);
}

/** Each endpoint in one of two groups; gateways too, so that clients see both sides. */
function split({ cluster, gateways }: NemesisParts, random: Prng): readonly [number[], number[]] {
  const groups: [number[], number[]] = [[], []];
  for (const endpoint of cluster.endpoints(gateways)) groups[random.below(2)]?.push(endpoint);
  return groups;
}

/** Every link from one of `left` to one of `right`. */
function between(left: readonly number[], right: readonly number[]): (readonly [number, number])[] {
  return left.flatMap((from) => right.map((to) => [from, to] as const));
}

function duration(random: Prng, { options }: NemesisParts): number {
  const { electionMs, attemptMs, attempts } = options;
  // Now and then longer than anybody goes on trying: then clients are told what nobody can know.
  if (random.chance(LONG)) return (1 + random.fraction()) * attemptMs * attempts + electionMs;
  return random.fraction() ** 2 * electionMs * 8;
}

/** Cuts each link in the direction given, and mends what it has cut, not what others have, later. */
function cutFor(
  { world, cluster }: NemesisParts,
  links: readonly (readonly [from: number, to: number])[],
  durationMs: number,
): void {
  const mends = links.map(([from, to]) => cluster.links.cut(from, to));
  world.after(durationMs, () => {
    for (const mend of mends) mend();
  });
}

const ACTS: Partial<Record<FaultKind, Act>> = {
  partition(nemesis, random) {
    const oneWay = between(...split(nemesis, random));
    const back = oneWay.map(([from, to]) => [to, from] as const);
    cutFor(nemesis, [...oneWay, ...back], duration(random, nemesis));
  },
  "partition-one-way"(nemesis, random) {
    cutFor(nemesis, between(...split(nemesis, random)), duration(random, nemesis));
  },
  isolate(nemesis, random) {
    const count = nemesis.cluster.objects.length;
    const share = random.fraction();
    const all = Array.from({ length: count * count }, (_, i) => [Math.floor(i / count), i % count] as const);
    const some = all.filter(([from, to]) => from !== to && random.chance(share));
    cutFor(nemesis, some, duration(random, nemesis));
  },
  "isolate-leader"(nemesis, random) {
    const { objects } = nemesis.cluster;
    const leader = objects.find(({ core }) => core?.role === "leader");
    if (leader === undefined) return;
    const others = objects.map(({ index }) => index).filter((index) => index !== leader.index);
    // Long enough for another leader, short enough for clients that still wait.
    const durationMs = (0.5 + 3 * random.fraction()) * nemesis.options.electionMs;
    cutFor(nemesis, [...between([leader.index], others), ...between(others, [leader.index])], durationMs);
  },
  clog(nemesis, random) {
    const { world, cluster } = nemesis;
    const object = someObject(nemesis, random);
    cluster.links.clog(object.index, world.now + duration(random, nemesis));
  },
  crash(nemesis, random) {
    const object = someObject(nemesis, random);
    const crash = (): void => object.crash(random.below(object.disk.pending.length + 1));
    if (random.chance(0.7)) object.whileWriting(crash);
    else crash();
  },
  kill(nemesis, random) {
    const object = someObject(nemesis, random);
    const awayMs = duration(random, nemesis);
    const kill = (): void => {
      object.goDown(awayMs);
      object.crash(random.below(object.disk.pending.length + 1));
    };
    if (random.chance(0.7)) object.whileWriting(kill);
    else kill();
  },
  evict(nemesis, random) {
    // Often everybody at once: an idle cluster goes to sleep as a whole.
    const objects = random.chance(0.3) ? nemesis.cluster.objects : [someObject(nemesis, random)];
    for (const object of objects) object.evict();
  },
  supersede(nemesis, random) {
    someObject(nemesis, random).supersede(random.fraction() * nemesis.options.electionMs * 3);
  },
  pause(nemesis, random) {
    someObject(nemesis, random).pause(duration(random, nemesis));
  },
  "clock-jump"(nemesis, random) {
    const byMs = Math.floor((random.fraction() - 0.5) * 2 * 10 ** random.below(6));
    someObject(nemesis, random).clock.jump(byMs);
  },
  "lose-changer"(nemesis, random) {
    const { world, cluster, options, faults } = nemesis;
    const awayMs = (1 + 4 * random.fraction()) * options.electionMs;
    const lag = random.below(10);
    const isChanging = (object: SimObject): boolean =>
      object.core?.role === "leader" && !object.isPaused && !isSettled(object, object.clock.now());
    let looks = 0;
    const look = (): void => {
      looks += 1;
      if (faults.healed || looks > LOOKS_MAX) return;
      const leader = cluster.objects.find(isChanging);
      if (leader === undefined) {
        world.after(LOOK_MS, look);
        return;
      }
      world.after(lag * options.latencyMs, () => {
        leader.goDown(awayMs);
        leader.crash(leader.disk.pending.length);
      });
    };
    look();
  },
  "gateway-restart"(nemesis, random) {
    nemesis.restartGateway(random.below(nemesis.gateways));
  },
  wipe(nemesis, random) {
    const { objects } = nemesis.cluster;
    // With members that come and go it could be one too many.
    if (nemesis.options.memberMs > 0) return;
    // Losing more disks than a quorum can spare is not survivable, and one is enough to be refused.
    if (objects.length < 3 || objects.some(({ wiped }) => wiped)) return;
    if (objects.some(({ disk }) => disk.pending.length > 0 || disk.mirror.term === 0)) return;
    // A replica that somebody never met could come back as new: one that all others know is taken.
    const known = objects.filter((candidate) =>
      objects.every(
        (other) =>
          other === candidate ||
          other.disk.query("SELECT 1 FROM peer WHERE id = ?", candidate.nodeId).length > 0,
      ),
    );
    if (known.length > 0) random.pick(known).wipe();
  },
};

export function startNemesis(nemesis: NemesisParts): void {
  const { world, options, faults } = nemesis;
  const kinds = Object.keys(ACTS).filter((kind) => isKind(kind, options));
  const total = kinds.reduce((sum, kind) => sum + weight(kind, options), 0);
  if (total === 0) return;
  let acts = 0;
  const next = (): void => {
    if (faults.healed) return;
    acts += 1;
    // A stream for each act, so that leaving one out does not shift the others.
    const random = stream(options.seed, "nemesis", acts);
    let at = random.fraction() * total;
    const kind = kinds.find((candidate) => {
      at -= weight(candidate, options);
      return at < 0;
    });
    const act = kind === undefined ? undefined : ACTS[kind as FaultKind];
    if (kind !== undefined && act !== undefined && faults.chosen(kind as FaultKind)) {
      world.trace.note(world.now, "fault", [acts], () => kind);
      act(nemesis, random);
    }
    world.after(options.nemesisMs * 2 * random.fraction(), next);
  };
  world.after(options.nemesisMs, next);
}

function weight(kind: string, options: RunOptions): number {
  if (kind === "lose-changer" && options.memberMs === 0) return 0;
  return options.faults[kind as FaultKind];
}

function isKind(kind: string, options: RunOptions): boolean {
  return weight(kind, options) > 0;
}
