/** One cluster of production replicas spread over regions, in virtual time, with gateways where wanted. */
import { create, toBinary } from "@bufbuild/protobuf";
import { completeCommand, encodeBody, putCommand } from "../../src/gateway/commands.ts";
import type { RouteChoice } from "../../src/gateway/leader-router.ts";
import { freshOperationIds } from "../../src/gateway/operation-id.ts";
import { QuerySchema } from "../../src/wire/gen/edged_pb.ts";
import { RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { CLUSTER, Cluster } from "../../test/sim/cluster.ts";
import { forgetEntries } from "../../test/sim/disk/intern-entry.ts";
import { FaultPlan } from "../../test/sim/faults/fault-plan.ts";
import { SimGateway } from "../../test/sim/gateway/sim-gateway.ts";
import { overrideLimits } from "../../test/sim/limits-knobs.ts";
import {
  drawOptions,
  FAULT_KINDS,
  type FaultKind,
  NO_UPKEEP,
  type RunOptions,
} from "../../test/sim/options.ts";
import type { SimObject } from "../../test/sim/platform/sim-object.ts";
import { Trace } from "../../test/sim/world/trace.ts";
import { World } from "../../test/sim/world/world.ts";
import { GATEWAY, TIMERS, type Timers } from "./facts/durations.ts";
import type { Region } from "./facts/round-trips.ts";
import { type Place, RegionSite } from "./region-site.ts";
import { UsageMeter } from "./usage-meter.ts";

export interface WideOptions {
  readonly seed: number;
  /** The regions of the members r1, r2, ...; the leader is elected anywhere unless `leadFrom` says where. */
  readonly placement: readonly Region[];
  readonly gateways: readonly Place[];
  /** Calls to an object that is gone fail at once; else nothing is heard of them. */
  readonly failsFast?: boolean;
  /** What reaches a gateway together goes to a replica as one call, as over a session. */
  readonly gathers?: boolean;
  readonly timers?: Partial<Timers>;
  readonly limits?: Readonly<Record<string, number>>;
}

export interface Served {
  readonly isOk: boolean;
  readonly tookMs: number;
}

export type Consistency = "linearizable" | "serializable";

const SETTLE_MS_MAX = 120_000;
const STEP_MS = 250;

export class WideCluster {
  readonly world: World;
  readonly cluster: Cluster;
  readonly meter: UsageMeter;
  readonly #gateways: readonly SimGateway[];
  readonly #restoreLimits: () => void;
  readonly #members: readonly string[];

  constructor(options: WideOptions) {
    const { seed, placement, gateways } = options;
    forgetEntries();
    this.#restoreLimits = overrideLimits(options.limits ?? {});
    this.world = new World(new Trace(false));
    this.meter = new UsageMeter(this.world);
    const run = runOptions(options);
    const site = new RegionSite({ seed, objects: placement, gateways, meter: this.meter });
    this.cluster = new Cluster(this.world, run, new FaultPlan(run, new Set()), site);
    this.#members = this.cluster.config.members.map(({ name }) => name);
    this.#gateways = gateways.map((_, index) => new SimGateway(this.world, this.cluster, run, index, 0));
  }

  /** Runs until there is a leader whom all follow and everything is quiet on the disks. */
  async settle(): Promise<SimObject> {
    return this.#until("a leader", () => {
      const { objects } = this.cluster;
      const leader = objects.find(({ core }) => core?.role === "leader");
      const isFollowed = objects.every(({ core }) => core !== null && core.leader === leader?.nodeId);
      const isQuiet = objects.every(({ disk }) => disk.pending.length === 0);
      return leader !== undefined && isFollowed && isQuiet ? leader : null;
    });
  }

  /** Wakes the group, and makes the member at `index` its leader. */
  async leadFrom(index: number): Promise<void> {
    await this.put(0, "first", 1);
    await this.settle();
    const wanted = this.object(index);
    // Within the time that a gateway keeps a leader in mind a transfer may find another one; it is asked again.
    while ((await this.settle()) !== wanted) {
      const query = create(QuerySchema, {
        request: { case: "moveLeader", value: { targetID: BigInt(`0x${wanted.nodeId}`) } },
      });
      const request = toBinary(QuerySchema, query);
      const gateway = this.#gateway(0);
      await this.#served(0, () =>
        gateway.router
          .query({ cluster: CLUSTER, pin: null }, { request, consistency: "leader", minRevision: 0 })
          .then(({ kind }) => kind === "answer"),
      );
      await this.rest(2 * TIMERS.heartbeatMs);
    }
    // Every gateway learns of it.
    for (let gateway = 0; gateway < this.#gateways.length; gateway += 1) await this.put(gateway, "first", 1);
    await this.rest(2 * TIMERS.heartbeatMs);
  }

  /** Runs until no replica plans anything: the group sleeps, or has one member that has nothing to do. */
  async untilAsleep(): Promise<void> {
    const sleeps = ({ instance, disk, alarm }: SimObject): boolean =>
      instance?.host?.engine?.deadline() === null && disk.pending.length === 0 && alarm.atMs === null;
    await this.#until("sleep", () => (this.cluster.objects.every(sleeps) ? true : null));
  }

  object(index: number): SimObject {
    const object = this.cluster.objects[index];
    if (object === undefined) throw new Error(`there is no member ${index}`);
    return object;
  }

  /** Lets `forMs` of virtual time pass. */
  async rest(forMs: number): Promise<void> {
    await this.world.run(this.world.now + forMs);
  }

  put(gateway: number, key: string, valueBytes: number, member: number | null = null): Promise<Served> {
    return this.finish((done) => this.startPut(gateway, key, valueBytes, done, member));
  }

  get(gateway: number, key: string, consistency: Consistency, member: number | null): Promise<Served> {
    return this.finish((done) => this.startGet(gateway, key, consistency, member, done));
  }

  /**
   * Begins a put now, or within the event that is running; `done` is called in a later one. Only `member`
   * is asked, which passes it on; null: the leader, as far as the gateway knows it.
   */
  startPut(
    gateway: number,
    key: string,
    valueBytes: number,
    done: (served: Served) => void,
    member: number | null = null,
  ): void {
    const { router, entropy } = this.#gateway(gateway);
    const body = encodeBody(putCommand(utf8(key), new Uint8Array(valueBytes).fill(120), []));
    const ids = freshOperationIds(entropy);
    const write = {
      operationId: ids,
      encode: (id: Uint8Array, seen: number) => completeCommand(body, id, seen),
    };
    const pin = member === null ? null : (this.#members[member] ?? null);
    this.#start(
      gateway,
      () => router.propose({ cluster: CLUSTER, pin }, write).then(({ kind }) => kind === "applied"),
      done,
    );
  }

  /** Asks the given member first; null: whom the gateway chooses. */
  startGet(
    gateway: number,
    key: string,
    consistency: Consistency,
    member: number | null,
    done: (served: Served) => void,
  ): void {
    const { router } = this.#gateway(gateway);
    const prefer = member === null ? null : (this.#members[member] ?? null);
    const choice: RouteChoice = { cluster: CLUSTER, pin: null, prefer };
    const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: utf8(key) }));
    this.#start(
      gateway,
      () =>
        router.range(choice, { request, consistency, minRevision: 0 }).then(({ kind }) => kind === "range"),
      done,
    );
  }

  /** Runs until what `start` began is done. */
  async finish(start: (done: (served: Served) => void) => void): Promise<Served> {
    let served: Served | null = null;
    start((outcome) => {
      served = outcome;
    });
    return this.#until("an answer", () => served);
  }

  /** Nobody reaches the object, and no answer comes from it any more, for as long as the run lasts. */
  isolate(index: number): void {
    const endpoints = this.cluster.endpoints(this.#gateways.length);
    for (const other of endpoints) {
      if (other === index) continue;
      this.cluster.links.cut(other, index);
      this.cluster.links.cut(index, other);
    }
  }

  close(): void {
    this.world.close();
    this.#restoreLimits();
    this.cluster.close();
  }

  #gateway(index: number): SimGateway {
    const gateway = this.#gateways[index];
    if (gateway === undefined) throw new Error(`there is no gateway ${index}`);
    return gateway;
  }

  async #served(gateway: number, ask: () => Promise<boolean>): Promise<Served> {
    return this.finish((done) => this.#start(gateway, ask, done));
  }

  #start(gateway: number, ask: () => Promise<boolean>, done: (served: Served) => void): void {
    const { world } = this;
    const beganAt = world.now;
    this.#gateway(gateway).run(() => {
      ask()
        .then((isOk) => done({ isOk, tookMs: world.now - beganAt }))
        .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
    });
  }

  async #until<T>(what: string, look: () => T | null): Promise<T> {
    const limit = this.world.now + SETTLE_MS_MAX;
    for (let found = look(); ; found = look()) {
      if (found !== null) return found;
      if (this.world.now >= limit) throw new Error(`no ${what} within ${SETTLE_MS_MAX} ms of virtual time`);
      await this.world.run(this.world.now + STEP_MS, () => look() !== null);
    }
  }
}

function runOptions({
  seed,
  placement,
  failsFast = false,
  gathers = false,
  timers,
  limits = {},
}: WideOptions): RunOptions {
  const none = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0]));
  // Every kind was just set.
  const faults = { ...none, "fail-fast": failsFast ? 1 : 0 } as Record<FaultKind, number>;
  return {
    ...drawOptions(seed, { faults }),
    ...TIMERS,
    ...timers,
    replicas: placement.length,
    attemptMs: GATEWAY.attemptMs,
    attempts: GATEWAY.budgetMs / GATEWAY.attemptMs,
    memoryTimers: true,
    gathers,
    memberMs: 0,
    mild: null,
    users: false,
    leases: false,
    upkeep: NO_UPKEEP,
    limits,
    clients: 0,
    // Not used: a site says how long things take.
    latencyMs: 0,
    commitMs: 0,
    tailMs: 0,
  };
}
