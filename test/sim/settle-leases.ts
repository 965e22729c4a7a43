/** Once nobody renews them, leases end, whatever happened to their leaders before. */
import { violated } from "../raft/invariants/violation.ts";
import { checkLeaseRecords } from "./invariants/lease-records.ts";
import type { NaiveStore } from "./oracle/naive-store.ts";
import type { SimObject } from "./platform/sim-object.ts";
import type { World } from "./world/world.ts";

/** More than the longest lease of the simulated clients, on the slowest clock. */
const ENDED_MS = 12_000;
const STEP_MS = 500;

/** To be called when all of `objects` have all of the log. */
export async function settleLeases(
  world: World,
  store: NaiveStore,
  objects: readonly SimObject[],
): Promise<void> {
  for (const object of objects) checkLeaseRecords(object, store);
  const limit = world.now + ENDED_MS;
  const isOver = (): boolean => store.leases.size === 0;
  while (!isOver()) {
    if (world.now >= limit) violated("lease-ends", `leases ${[...store.leases.keys()]} do not end`);
    await world.run(world.now + STEP_MS, isOver);
  }
}
