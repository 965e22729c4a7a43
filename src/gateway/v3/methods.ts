/** Every method that is served, by its path below `/v3/`. */
import { AUTH_METHODS } from "./auth.ts";
import { CLUSTER_METHODS } from "./cluster.ts";
import { ELECTION_METHODS } from "./coordination/election.ts";
import { LOCK_METHODS } from "./coordination/lock.ts";
import { KV_METHODS } from "./kv.ts";
import { LEASE_METHODS } from "./lease.ts";
import { MAINTENANCE_METHODS } from "./maintenance.ts";
import type { V3Method } from "./method.ts";
import { WATCH_METHODS } from "./watch.ts";

export const V3_METHODS: ReadonlyMap<string, V3Method> = new Map(
  Object.entries({
    ...KV_METHODS,
    ...AUTH_METHODS,
    ...CLUSTER_METHODS,
    ...MAINTENANCE_METHODS,
    ...LEASE_METHODS,
    ...WATCH_METHODS,
    ...LOCK_METHODS,
    ...ELECTION_METHODS,
  }),
);
