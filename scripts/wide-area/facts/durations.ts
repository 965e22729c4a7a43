/** How long the platform takes for things, as far as anybody has said; ranges are drawn from evenly. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * From a write to its confirmation. Measured by others from outside: 5 to 10 and 10 to 13 ms
 * (lumenize.com/blog/what-i-got-wrong-about-do-throughput, 2026), 3 to 8 ms inside an object (dev.to).
 */
export const FLUSH_MS: Range = { min: 5, max: 13 };

/** What a call costs one way besides the distance: an estimate, nothing is published. */
export const ROUTING_MS: Range = { min: 0.5, max: 1.5 };

/** An object that has no memory until it runs: nothing is published, isolates start in milliseconds. */
export const COLD_START_MS: Range = { min: 10, max: 100 };

/** An assumption, for nobody publishes one: so many messages take up to this much longer than usual. */
export const TAIL = { share: 0.01, longer: 1 } as const;

export interface Timers {
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly quiesceMs: number;
  readonly snapshotEvery: number;
}

/** HEARTBEAT_MS, ELECTION_MS, QUIESCE_AFTER_MS and SNAPSHOT_EVERY as they are when nobody sets them. */
export const TIMERS: Timers = {
  heartbeatMs: 250,
  electionMs: 1_500,
  quiesceMs: 5_000,
  snapshotEvery: 10_000,
};

/** A gateway's time for one attempt and for all of them, with these timers (src/gateway/app.ts). */
export const GATEWAY = { attemptMs: 3_000, budgetMs: 10_000 } as const;
