/** One number each against what theory says it must be; distances are those of facts/round-trips.ts. */
import { describe, expect, it } from "vitest";
import { FLUSH_MS, ROUTING_MS } from "../../scripts/wide-area/facts/durations.ts";
import {
  HOSTING_REGIONS,
  REGIONS,
  type Region,
  roundTripMs,
} from "../../scripts/wide-area/facts/round-trips.ts";
import { measureLatencies } from "../../scripts/wide-area/latencies.ts";
import { smallest } from "../../scripts/wide-area/statistics.ts";
import { WideCluster } from "../../scripts/wide-area/wide-cluster.ts";

const SAMPLES = 25;
const PLACEMENTS: readonly (readonly Region[])[] = [
  ["weur", "eeur", "enam"],
  ["enam", "wnam", "weur"],
  ["enam", "wnam", "weur", "eeur", "apac-ne"],
];
const MEAN_FLUSH_MS = (FLUSH_MS.min + FLUSH_MS.max) / 2;
const MEAN_ROUTING_MS = ROUTING_MS.min + ROUTING_MS.max;
/** A median of so few samples is this far off at most, and so is the median of the fastest of several. */
const NOISE_MS = FLUSH_MS.max - FLUSH_MS.min;

/** From the leader to the last member that makes a majority with it. */
function majorityMs(placement: readonly Region[], leader: number): number {
  const from = placement[leader] ?? "weur";
  const others = placement.filter((_, i) => i !== leader).map((to) => roundTripMs(from, to));
  return smallest(others, Math.floor(placement.length / 2));
}

describe.each(PLACEMENTS.map((placement) => ({ placement, name: placement.join(" + ") })))(
  "$name",
  ({ placement }) => {
    it("agrees with theory", { timeout: 60_000 }, async () => {
      const { byLeader, leader, byClient } = await measureLatencies({ placement, seed: 1, samples: SAMPLES });
      for (const [member, { commit }] of byLeader.entries()) {
        // There, onto that disk, and back; then the leader's own disk, since the answer tells what was applied.
        const expected = majorityMs(placement, member) + MEAN_ROUTING_MS + 2 * MEAN_FLUSH_MS;
        expect(Math.abs(commit.p50 - expected)).toBeLessThanOrEqual(NOISE_MS);
      }
      const at = placement.indexOf(leader);
      for (const {
        client,
        put,
        linearizable,
        linearizableLeader,
        serializable,
        serializableNearest,
      } of byClient) {
        const toLeader = roundTripMs(client, leader) + MEAN_ROUTING_MS;
        const commit = byLeader[at]?.commit.p50 ?? Number.NaN;
        expect(Math.abs(put.p50 - toLeader - commit)).toBeLessThanOrEqual(NOISE_MS);
        // A quorum confirms the leader; nothing is written.
        const confirmed = toLeader + majorityMs(placement, at) + MEAN_ROUTING_MS;
        expect(Math.abs(linearizableLeader.p50 - confirmed)).toBeLessThanOrEqual(NOISE_MS);
        const nearest = Math.min(...placement.map((region) => roundTripMs(client, region))) + MEAN_ROUTING_MS;
        expect(Math.abs(serializableNearest.p50 - nearest)).toBeLessThanOrEqual(1);
        // A gateway finds that out by itself, up to members that are about as near.
        expect(serializable.p50).toBeLessThanOrEqual(1.2 * nearest + 10);
        expect(linearizable.p50).toBeLessThanOrEqual(1.2 * linearizableLeader.p50 + 10);
      }
    });
  },
);

it("a commit of a lone replica is one flush", async () => {
  const wide = new WideCluster({ seed: 1, placement: ["weur"], gateways: [{ beside: 0 }] });
  try {
    await wide.put(0, "key", 1);
    await wide.settle();
    for (let i = 0; i < SAMPLES; i += 1) {
      const { isOk, tookMs } = await wide.put(0, "key", 1);
      expect(isOk).toBe(true);
      expect(tookMs).toBeGreaterThanOrEqual(FLUSH_MS.min);
      expect(tookMs).toBeLessThanOrEqual(FLUSH_MS.max);
      await wide.rest(50);
    }
  } finally {
    wide.close();
  }
});

it("distances are the same in both directions, and known between all regions", () => {
  for (const from of REGIONS) {
    for (const to of REGIONS) {
      expect(roundTripMs(from, to)).toBe(roundTripMs(to, from));
      expect(roundTripMs(from, to)).toBeGreaterThan(from === to ? 0 : 25);
    }
  }
  expect(HOSTING_REGIONS).toHaveLength(7);
});
