/** Which of an object's two timers is set for what. */
import { describe, expect, test } from "vitest";
import { Timers } from "../../src/durable/timers.ts";

function timers({ withMemory }: { readonly withMemory: boolean }) {
  const alarms: (number | "cleared")[] = [];
  const memory: number[] = [];
  const made = new Timers({
    alarm: { set: (atMs) => alarms.push(atMs), clear: () => alarms.push("cleared") },
    now: () => 1_000,
    fire: () => undefined,
    memory: withMemory
      ? (delayMs) => {
          memory.push(1_000 + delayMs);
          return () => undefined;
        }
      : null,
    backstopMs: 500,
  });
  return { made, alarms, memory };
}

describe("with timers in memory", () => {
  test("the alarm stands behind what outlives the memory", () => {
    const { made, alarms, memory } = timers({ withMemory: true });
    made.arm(2_000);
    expect([alarms, memory]).toEqual([[2_500], [2_000]]);
  });

  test("what ends with the memory writes no alarm, and clears none that others need", () => {
    const { made, alarms, memory } = timers({ withMemory: true });
    made.arm(2_000, null);
    expect([alarms, memory]).toEqual([[], [2_000]]);
    made.arm(1_500, 3_000);
    expect([alarms, memory]).toEqual([[3_500], [2_000, 1_500]]);
    made.arm(1_200, null);
    made.arm(1_200, null);
    expect(alarms).toEqual([3_500, "cleared"]);
  });

  test("nothing at all clears both", () => {
    const { made, alarms } = timers({ withMemory: true });
    made.arm(2_000);
    made.arm(null);
    made.arm(null);
    expect(alarms).toEqual([2_500, "cleared"]);
  });
});

test("with alarms only the alarm is for everything", () => {
  const { made, alarms } = timers({ withMemory: false });
  made.arm(2_000, null);
  expect(alarms).toEqual([2_000]);
});
