/** A month in which nobody asks for anything, after the group fell asleep: what is counted must be nothing. */
import { MONTH_MS } from "./facts/prices.ts";
import type { Region } from "./facts/round-trips.ts";
import type { Counts } from "./usage-meter.ts";
import { WideCluster } from "./wide-cluster.ts";

export interface Idleness {
  readonly placement: readonly Region[];
  /** From the last answer until every replica sleeps and nothing is open any more. */
  readonly asleepAfterMs: number;
  /** What that time cost, all replicas together. */
  readonly fallingAsleep: Counts;
  readonly monthMs: number;
  /** What the month after it took. */
  readonly month: Counts;
  readonly alarmsSetAtEnd: number;
  /** Events of the simulated world in that month. */
  readonly events: number;
  /** Afterwards a put is served. */
  readonly wakesInMs: number;
}

const CLIENT = 0;

export async function measureIdleness(placement: readonly Region[], seed: number): Promise<Idleness> {
  const wide = new WideCluster({ seed, placement, gateways: [{ region: placement[0] ?? "weur" }] });
  try {
    const { world, cluster, meter } = wide;
    await wide.put(CLIENT, "key", 256);
    await wide.settle();
    await wide.put(CLIENT, "key", 256);
    const answeredAt = world.now;
    meter.reset();
    await wide.untilAsleep();
    const asleepAfterMs = world.now - answeredAt;
    // The last answers arrive, and the meter sees that nothing is open.
    await wide.rest(1_000);
    const fallingAsleep = meter.counts;
    meter.reset();
    const steps = world.steps;
    await wide.rest(MONTH_MS);
    const month = meter.counts;
    const events = world.steps - steps;
    const alarmsSetAtEnd = cluster.objects.filter(({ alarm }) => alarm.atMs !== null).length;
    // Nothing that the platform could have kept in memory is there any more.
    for (const object of cluster.objects) object.evict();
    const { isOk, tookMs } = await wide.put(CLIENT, "key", 256);
    if (!isOk) throw new Error("a put after a month of sleep failed");
    return {
      placement,
      asleepAfterMs,
      fallingAsleep,
      monthMs: MONTH_MS,
      month,
      alarmsSetAtEnd,
      events,
      wakesInMs: tookMs,
    };
  } finally {
    wide.close();
  }
}

/** Whether nothing was counted at all. */
export function isFree({ month, alarmsSetAtEnd, events }: Idleness): boolean {
  return Object.values(month).every((count) => count === 0) && alarmsSetAtEnd === 0 && events === 0;
}
