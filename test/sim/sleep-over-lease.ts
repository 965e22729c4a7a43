/**
 * A group that has nothing to do but to end a lease sleeps until then, behind one alarm: its leader's. That
 * is enough, though all memory may be lost meanwhile.
 */
import { create } from "@bufbuild/protobuf";
import { completeCommand, encodeBody } from "../../src/gateway/commands.ts";
import { LeaseGrantRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { violated } from "../raft/invariants/violation.ts";
import { CLUSTER } from "./cluster.ts";
import type { SimObject } from "./platform/sim-object.ts";
import type { SleepParts } from "./sleep.ts";
import { stream } from "./world/streams.ts";

/** No client uses it. */
const LEASE = 1_000_003n;
/** The alarm stands so far behind what memory takes care of (src/durable/replica-host.ts), and may be late. */
const BACKSTOP_MS = 6_000;

export async function checkSleepOverLease(
  parts: SleepParts,
  objects: readonly SimObject[],
  fallAsleep: () => Promise<void>,
): Promise<void> {
  const { world, options, store } = parts;
  const { electionMs, quiesceMs, seed } = options;
  const ttlMs = 1_000 * Math.ceil((2 * quiesceMs + 20 * electionMs) / 1_000) + 5_000;
  if (!(await grant(parts, ttlMs / 1_000))) return;
  const isOver = (): boolean => !store.leases.has(LEASE);
  await fallAsleep();
  if (isOver()) violated("sleep", "a lease ended before its group slept");
  const alarms = objects.filter(({ alarm }) => alarm.atMs !== null);
  if (alarms.length !== 1 || alarms[0]?.core?.role !== "leader") {
    const names = alarms.map(({ name }) => name).join(", ");
    violated("sleep", `asleep over a lease with alarms at [${names}], not at the leader alone`);
  }
  const isMemoryLost = stream(seed, "sleep over a lease").chance(0.5);
  if (isMemoryLost) for (const object of objects) object.evict();
  // On the slowest clock, and with an election's time that a leader without memory adds.
  const limitMs = 1.1 * ttlMs + BACKSTOP_MS + 5 * electionMs;
  await world.run(world.now + limitMs, isOver);
  if (!isOver())
    violated("lease-ends", `a lease that a group slept over lives, memory lost: ${isMemoryLost}`);
}

/** False: it was refused, as by a database that is full. */
async function grant({ world, gateway, options }: SleepParts, ttl: number): Promise<boolean> {
  const value = create(LeaseGrantRequestSchema, { ID: LEASE, TTL: BigInt(ttl) });
  const body = encodeBody({ case: "leaseGrant", value });
  let outcome: string | null = null;
  gateway.run(() => {
    const write = {
      operationId: () => gateway.entropy.bytes(16),
      encode: (id: Uint8Array, seen: number) => completeCommand(body, id, seen),
    };
    gateway.router
      .propose({ cluster: CLUSTER, pin: null }, write)
      .then(({ kind }) => {
        outcome = kind;
      })
      .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
  });
  await world.run(world.now + 20 * options.electionMs + 10_000, () => outcome !== null);
  return outcome === "applied";
}
