/** What a request costs that finds its group asleep: deadlines and round trips, counted by the clock. */
import { describe, expect, it } from "vitest";
import {
  COLD_START_MS,
  FLUSH_MS,
  ROUTING_MS,
  TAIL,
  TIMERS,
} from "../../scripts/wide-area/facts/durations.ts";
import { type Region, roundTripMs } from "../../scripts/wide-area/facts/round-trips.ts";
import { type Served, WideCluster } from "../../scripts/wide-area/wide-cluster.ts";

/** All as far from each other. */
const PLACEMENT: readonly Region[] = ["enam", "enam", "enam"];
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** There, onto the disk, and back, at its slowest. */
const ROUND_TRIP_MS = roundTripMs("enam", "enam") * (1 + TAIL.longer) + 2 * ROUTING_MS.max + FLUSH_MS.max;
/** The disk of whoever answers. */
const ANSWER_MS = FLUSH_MS.max;
/** Time for one call between replicas. */
const CALL_MS = TIMERS.electionMs;
/** What a gateway waits before it asks a second and a third time. */
const PAUSES_MS = 25 + 50;

type Loss = "nothing" | "the leader's memory" | "all memory" | "the leader, silently" | "the leader, refused";

interface Woken extends Served {
  /** Elections that it took. */
  readonly terms: number;
}

/** Asks one follower of a sleeping group; the client is right beside it. */
async function wake(
  seed: number,
  loss: Loss,
  ask: (wide: WideCluster, follower: number) => Promise<Served>,
): Promise<Woken> {
  const wide = new WideCluster({
    seed,
    placement: PLACEMENT,
    gateways: PLACEMENT.map((_, index) => ({ beside: index })),
    failsFast: loss === "the leader, refused",
  });
  try {
    // Each gateway learns how many writes there were, which is a question of its own.
    for (const gateway of PLACEMENT.keys()) await wide.put(gateway, "key", 1);
    await wide.settle();
    await wide.untilAsleep();
    const { objects } = wide.cluster;
    const leader = objects.find(({ core }) => core?.role === "leader");
    const follower = objects.find((object) => object !== leader);
    if (leader === undefined || follower === undefined) throw new Error("a sleeping group has a leader");
    const term = (): number => Math.max(...objects.map(({ disk }) => disk.mirror.term));
    const before = term();
    if (loss === "all memory") for (const object of objects) object.evict();
    else if (loss === "the leader's memory") leader.evict();
    else if (loss !== "nothing") {
      leader.crash(0);
      leader.goDown(600_000);
      if (loss === "the leader, silently") wide.isolate(leader.index);
    }
    const served = await ask(wide, follower.index);
    return { ...served, terms: term() - before };
  } finally {
    wide.close();
  }
}

const KINDS = [
  { name: "a put", ask: (wide: WideCluster, follower: number) => wide.put(follower, "key", 1, follower) },
  {
    name: "a linearizable get",
    ask: (wide: WideCluster, follower: number) => wide.get(follower, "key", "linearizable", follower),
  },
];

describe.each(KINDS)("$name through a follower of a sleeping group", ({ ask }) => {
  async function worst(loss: Loss): Promise<Woken> {
    const all: Woken[] = [];
    for (const seed of SEEDS) all.push(await wake(seed, loss, ask));
    expect(all.every(({ isOk }) => isOk)).toBe(true);
    return {
      isOk: true,
      tookMs: Math.max(...all.map(({ tookMs }) => tookMs)),
      terms: Math.max(...all.map(({ terms }) => terms)),
    };
  }

  it("takes two round trips while the leader lives, and no election", async () => {
    const { tookMs, terms } = await worst("nothing");
    expect(terms).toBe(0);
    expect(tookMs).toBeLessThanOrEqual(2 * ROUND_TRIP_MS + ANSWER_MS);
  });

  it("takes a cold start more when the leader has lost its memory, and no election", async () => {
    const { tookMs, terms } = await worst("the leader's memory");
    expect(terms).toBe(0);
    expect(tookMs).toBeLessThanOrEqual(2 * ROUND_TRIP_MS + ANSWER_MS + COLD_START_MS.max);
  });

  it("takes two cold starts more when all have lost their memory, and no election", async () => {
    const { tookMs, terms } = await worst("all memory");
    expect(terms).toBe(0);
    expect(tookMs).toBeLessThanOrEqual(2 * ROUND_TRIP_MS + ANSWER_MS + 2 * COLD_START_MS.max);
  });

  it("takes four round trips and the deadline of one call when nothing is heard of the leader", async () => {
    const { tookMs, terms } = await worst("the leader, silently");
    expect(terms).toBe(1);
    expect(tookMs).toBeLessThanOrEqual(CALL_MS + 4 * ROUND_TRIP_MS + ANSWER_MS);
  });

  it("takes four round trips when the platform says that the leader is gone", async () => {
    const { tookMs, terms } = await worst("the leader, refused");
    expect(terms).toBe(1);
    expect(tookMs).toBeLessThanOrEqual(4 * ROUND_TRIP_MS + ANSWER_MS + PAUSES_MS);
  });
});
