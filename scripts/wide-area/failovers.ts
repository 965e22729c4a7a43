/** How long nobody can write after the leader's object is gone, over many runs. */
import { TIMERS } from "./facts/durations.ts";
import type { Region } from "./facts/round-trips.ts";
import { quantile } from "./statistics.ts";
import { WideCluster } from "./wide-cluster.ts";

/** What becomes of the leader. */
export const LOSSES = [
  "silent", // its machine is unreachable: calls to it are never answered, and it does not come back
  "refused", // it does not come back, and whoever calls it is told at once
  "restarted", // it lost its memory, as by a deployment: the next call starts it again
] as const;

export type Loss = (typeof LOSSES)[number];

export interface FailoverOptions {
  readonly placement: readonly Region[];
  readonly seed: number;
  readonly trials: number;
}

export interface Failover {
  readonly placement: readonly Region[];
  readonly loss: Loss;
  /** From the loss until another replica leads and has committed in its term, sorted. */
  readonly electedMs: readonly number[];
  /** From the loss until the first write that began after it is acknowledged, sorted. */
  readonly servedMs: readonly number[];
}

export interface Quantiles {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/** Between the writes of the client, which begins each whatever became of those before. */
const WRITE_EVERY_MS = 50;
const LIMIT_MS = 60_000;

export function quantiles(values: readonly number[]): Quantiles {
  return {
    p10: quantile(values, 0.1),
    p50: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    max: quantile(values, 1),
  };
}

export async function measureFailover(options: FailoverOptions, loss: Loss): Promise<Failover> {
  const electedMs: number[] = [];
  const servedMs: number[] = [];
  for (let trial = 0; trial < options.trials; trial += 1) {
    const { elected, served } = await oneFailover(options, loss, trial);
    electedMs.push(elected);
    servedMs.push(served);
  }
  const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);
  return { placement: options.placement, loss, electedMs: sorted(electedMs), servedMs: sorted(servedMs) };
}

async function oneFailover(
  { placement, seed, trials }: FailoverOptions,
  loss: Loss,
  trial: number,
): Promise<{ readonly elected: number; readonly served: number }> {
  const wide = new WideCluster({
    seed: seed * trials + trial,
    placement,
    // Each trial has its client in the region of another member.
    gateways: [{ region: placement[trial % placement.length] ?? "weur" }],
    failsFast: loss === "refused",
  });
  try {
    const { world } = wide;
    await wide.put(0, "before", 1);
    const leader = await wide.settle();
    // At any phase of the heartbeat.
    await wide.rest(3 * TIMERS.heartbeatMs + (trial / trials) * TIMERS.heartbeatMs);
    const term = leader.disk.mirror.term;
    const lostAt = world.now;
    if (loss === "silent") wide.isolate(leader.index);
    leader.crash(0);
    if (loss !== "restarted") leader.goDown(LIMIT_MS);
    let served: number | null = null;
    const write = (): void => {
      if (served !== null) return;
      wide.startPut(0, "after", 1, ({ isOk }) => {
        if (isOk) served ??= world.now - lostAt;
      });
      world.after(WRITE_EVERY_MS, write);
    };
    write();
    let elected: number | null = null;
    const isOver = (): boolean => {
      if (elected === null && hasNewLeader(wide, term)) elected = world.now - lostAt;
      return elected !== null && served !== null;
    };
    await world.run(lostAt + LIMIT_MS, isOver);
    return { elected: elected ?? LIMIT_MS, served: served ?? LIMIT_MS };
  } finally {
    wide.close();
  }
}

function hasNewLeader({ cluster }: WideCluster, before: number): boolean {
  return cluster.objects.some(
    ({ core }) => core?.role === "leader" && core.term > before && core.log.commit >= core.termStartIndex,
  );
}
