/** Objects lose their memory within seconds of idleness: leases end all the same, and not before their time. */
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { completeCommand, encodeBody } from "../../src/gateway/commands.ts";
import { QuerySchema } from "../../src/wire/gen/edged_pb.ts";
import { LeaseGrantRequestSchema, RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { CLUSTER, Cluster } from "./cluster.ts";
import { forgetEntries } from "./disk/intern-entry.ts";
import { FaultPlan } from "./faults/fault-plan.ts";
import { SimGateway } from "./gateway/sim-gateway.ts";
import { drawOptions, FAULT_KINDS, type FaultKind } from "./options.ts";
import { Trace } from "./world/trace.ts";
import { World } from "./world/world.ts";

const SECOND = 1_000;
const LEASE = 7n;
const CHOICE = { cluster: CLUSTER, pin: null };

class Evicted {
  readonly world = new World(new Trace(false));
  readonly #cluster: Cluster;
  readonly #gateway: SimGateway;

  constructor(replicas: number) {
    forgetEntries();
    const none = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0]));
    // `FAULT_KINDS` are its keys.
    const faults = none as Record<FaultKind, number>;
    const quick = { attemptMs: 3_000, attempts: 3, heartbeatMs: 250, electionMs: 2_500, quiesceMs: 5_000 };
    const options = drawOptions(1, { ...quick, replicas, faults, memoryTimers: true, limits: {} });
    this.#cluster = new Cluster(this.world, options, new FaultPlan(options, new Set()));
    this.#gateway = new SimGateway(this.world, this.#cluster, options, 0, 0);
  }

  async grant(ttlSeconds: number): Promise<void> {
    const value = create(LeaseGrantRequestSchema, { ID: LEASE, TTL: BigInt(ttlSeconds) });
    const body = encodeBody({ case: "leaseGrant", value });
    const { router, entropy } = this.#gateway;
    await this.#done(() =>
      router.propose(CHOICE, {
        operationId: () => entropy.bytes(16),
        encode: (id, seen) => completeCommand(body, id, seen),
      }),
    );
  }

  async read(): Promise<void> {
    const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: utf8("k") }));
    const call = { request, consistency: "linearizable", minRevision: 0 } as const;
    await this.#done(() => this.#gateway.router.range(CHOICE, call));
  }

  async renew(): Promise<void> {
    const query = create(QuerySchema, { request: { case: "leaseKeepAlive", value: { ID: LEASE } } });
    const call = {
      request: toBinary(QuerySchema, query),
      consistency: "leader",
      minRevision: 0,
    } as const;
    await this.#done(() => this.#gateway.router.query(CHOICE, call));
  }

  async pass(durationMs: number): Promise<void> {
    await this.world.run(this.world.now + durationMs);
  }

  evict(): void {
    for (const object of this.#cluster.objects) object.evict();
  }

  get hasLease(): boolean {
    return this.#cluster.objects[0]?.machine().leases.get(LEASE) !== null;
  }

  close(): void {
    this.world.close();
    this.#cluster.close();
  }

  async #done(ask: () => Promise<{ readonly kind: string }>): Promise<void> {
    let kind = "";
    this.#gateway.run(() => {
      ask()
        .then((outcome) => {
          kind = outcome.kind;
        })
        .catch((error: unknown) => this.world.fail(new Error(String(error))));
    });
    await this.world.run(this.world.now + 30 * SECOND, () => kind !== "");
    if (["", "failed", "rejected"].includes(kind)) throw new Error(`it was not answered: ${kind}`);
  }
}

it.each([1, 3])(
  "a lease of an hour ends though %i replicas lose their memory every minute",
  async (count) => {
    const cluster = new Evicted(count);
    try {
      await cluster.grant(3_600);
      const grantedAt = cluster.world.now;
      // Its owner lives for a while.
      for (let minute = 0; minute < 10; minute += 1) {
        await cluster.pass(40 * SECOND);
        cluster.evict();
        await cluster.pass(20 * SECOND);
        await cluster.renew();
      }
      const renewedAt = cluster.world.now;
      // A leader does not count the seconds between its note and its falling asleep.
      expect(renewedAt - grantedAt).toBeGreaterThan(590 * SECOND);
      while (cluster.hasLease) {
        expect(cluster.world.now - renewedAt).toBeLessThan(4_200 * SECOND);
        await cluster.pass(40 * SECOND);
        cluster.evict();
        await cluster.pass(20 * SECOND);
        if (cluster.hasLease) await cluster.read();
      }
      expect(cluster.world.now - renewedAt).toBeGreaterThanOrEqual(3_600 * SECOND);
    } finally {
      cluster.close();
    }
  },
  60_000,
);
