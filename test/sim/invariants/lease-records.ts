/**
 * 24. The records of leases are the model's: no lease more or less, each with the keys whose live
 * version names it, and no key names a lease that is gone.
 */
import { toHex } from "../../../src/base/bytes.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { NaiveStore } from "../oracle/naive-store.ts";
import type { SimObject } from "../platform/sim-object.ts";

const NAME = "lease-records";

/** To be asked when all of the log is applied. */
export function checkLeaseRecords(object: SimObject, store: NaiveStore): void {
  const { leases } = object.machine();
  const ids = leases.page(null, 1_000).map(({ id }) => id);
  const expected = [...store.leases.keys()].sort((a, b) => (a < b ? -1 : 1));
  if (ids.join() !== expected.join() || leases.count !== ids.length) {
    violated(NAME, `${object.name} has leases ${ids} (count ${leases.count}), not ${expected}`);
  }
  for (const id of ids) {
    const keys = [...leases.keys(id)].map(toHex).join();
    if (keys !== store.keysOf(id).join()) {
      violated(NAME, `${object.name} has the keys ${keys} at lease ${id}, not ${store.keysOf(id)}`);
    }
  }
  for (const { key, lease } of store.all()) {
    if (lease !== "0" && !store.leases.has(BigInt(lease))) {
      violated(NAME, `key ${key} is attached to lease ${lease}, which is gone`);
    }
  }
}
