/** Failover at default timers stays within the goal, however the leader is lost. */
import { expect, it } from "vitest";
import { TIMERS } from "../../scripts/wide-area/facts/durations.ts";
import { LOSSES, measureFailover, quantiles } from "../../scripts/wide-area/failovers.ts";

const TRIALS = 15;
/** Of the median, in election timeouts. */
const GOAL = 2.5;

it.each(LOSSES)("a leader that is %s", { timeout: 60_000 }, async (loss) => {
  const { electedMs, servedMs } = await measureFailover(
    { placement: ["weur", "eeur", "enam"], seed: 1, trials: TRIALS },
    loss,
  );
  expect(servedMs).toHaveLength(TRIALS);
  expect(quantiles(servedMs).p50).toBeLessThanOrEqual(GOAL * TIMERS.electionMs);
  // Nobody is deposed before he was silent for a whole election timeout, less the heartbeat he still sent.
  expect(quantiles(electedMs).p10).toBeGreaterThan(TIMERS.electionMs - TIMERS.heartbeatMs);
  expect(quantiles(servedMs).p10).toBeGreaterThanOrEqual(electedMs[0] ?? Number.NaN);
});
