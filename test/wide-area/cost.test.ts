/** What is counted for the bill, and what a month of sleep costs. */
import { describe, expect, it } from "vitest";
import { bill } from "../../scripts/wide-area/bill.ts";
import { measureCosts, WORKS } from "../../scripts/wide-area/costs.ts";
import { MONTH_MS, OBJECT_GIGABYTES } from "../../scripts/wide-area/facts/prices.ts";
import type { Region } from "../../scripts/wide-area/facts/round-trips.ts";
import { isFree, measureIdleness } from "../../scripts/wide-area/idleness.ts";

const PLACEMENT: readonly Region[] = ["weur", "eeur", "enam"];
const OPERATIONS = 40;

describe("bills", () => {
  it("know what one object costs that is always in memory", () => {
    const gigabyteSeconds = (MONTH_MS / 1000) * OBJECT_GIGABYTES;
    expect(gigabyteSeconds).toBeCloseTo(331_776, 5);
    expect(bill({ gigabyteSeconds }).listDollars).toBeCloseTo(4.147, 3);
    expect(bill({ gigabyteSeconds }).dueDollars).toBe(0);
    expect(bill({ gigabyteSeconds: 3 * gigabyteSeconds }).dueDollars).toBeCloseTo(7.44, 2);
  });

  it("add up items, and take off what is included of each", () => {
    const { listDollars, dueDollars } = bill({ requests: 3e6, rowsWritten: 60e6, kvWrites: 1e6 });
    expect(listDollars).toBeCloseTo(0.45 + 60 + 5, 9);
    expect(dueDollars).toBeCloseTo(0.3 + 10, 9);
  });
});

describe("a month in which nobody asks", () => {
  it.each([[["weur"]], [PLACEMENT], [["enam", "wnam", "weur", "eeur", "apac-ne"]]] as readonly (readonly [
    readonly Region[],
  ])[])("costs %j nothing", async (placement) => {
    const idleness = await measureIdleness(placement, 1);
    expect(idleness.monthMs).toBe(MONTH_MS);
    expect(idleness.month).toEqual({
      clientCalls: 0,
      peerCalls: 0,
      alarmRuns: 0,
      alarmsSet: 0,
      rowsWritten: 0,
      rowsRead: 0,
      awakeMs: 0,
    });
    expect(isFree(idleness)).toBe(true);
    // What falling asleep takes is counted, so the counters count.
    if (placement.length === 1) return;
    expect(idleness.fallingAsleep.peerCalls).toBeGreaterThan(0);
    expect(idleness.fallingAsleep.rowsWritten).toBeGreaterThan(0);
    expect(idleness.fallingAsleep.awakeMs).toBeGreaterThan(idleness.asleepAfterMs);
  });
});

describe("work", () => {
  it("is counted the same for the same seed, and in every item", async () => {
    const [burst] = WORKS;
    if (burst === undefined) throw new Error("there is work");
    const options = { placement: PLACEMENT, seed: 3, operations: OPERATIONS };
    const costs = await measureCosts(options, burst);
    expect(await measureCosts(options, burst)).toEqual(costs);
    expect(costs.perOperation.clientCalls).toBe(1);
    for (const item of ["requests", "gigabyteSeconds", "rowsRead", "rowsWritten"] as const) {
      expect(costs.edged[item]).toBeGreaterThan(0);
    }
    // Three replicas write each key with its index entry; followers still have to apply the last ones.
    expect(costs.perOperation.rowsWritten).toBeGreaterThan(2 * 2);
  });

  it("that is read alone writes nothing", async () => {
    const reads = WORKS.find(({ name }) => name.includes("serializable"));
    if (reads === undefined) throw new Error("there are reads");
    const { perOperation } = await measureCosts(
      { placement: PLACEMENT, seed: 3, operations: OPERATIONS },
      reads,
    );
    expect(perOperation.rowsWritten).toBe(0);
  });
});
