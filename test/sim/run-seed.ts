/** One run: a cluster, its clients and its misfortunes for a while, then the cure. */
import { Violation } from "../raft/invariants/violation.ts";
import { Cluster } from "./cluster.ts";
import { forgetEntries } from "./disk/intern-entry.ts";
import { type FaultName, FaultPlan } from "./faults/fault-plan.ts";
import { startMild } from "./faults/mild.ts";
import { startNemesis } from "./faults/nemesis.ts";
import { startOperator } from "./faults/operator.ts";
import { SimClient } from "./gateway/sim-client.ts";
import { SimGateway } from "./gateway/sim-gateway.ts";
import { heal } from "./heal.ts";
import { MembersStayOut } from "./invariants/members-stay-out.ts";
import { checkStoreRows } from "./invariants/store-rows.ts";
import { overrideLimits } from "./limits-knobs.ts";
import type { FaultKind, RunOptions } from "./options.ts";
import { LeaseOracle } from "./oracle/lease-oracle.ts";
import { Model } from "./oracle/model.ts";
import { Oracle, type OracleCounts } from "./oracle/oracle.ts";
import { noteDurable, noteEnd, noteWatches, nowhere, type Reached } from "./reached.ts";
import { startRestores } from "./restore/start-restores.ts";
import { startWatchers } from "./watches/start-watchers.ts";
import { Trace } from "./world/trace.ts";
import { World } from "./world/world.ts";

export interface RunRequest {
  readonly options: RunOptions;
  /** Faults to leave out, by name. */
  readonly skip: ReadonlySet<FaultName>;
  /** Keep a readable log. */
  readonly trace: boolean;
}

export interface RunResult {
  readonly options: RunOptions;
  /** Null: every invariant held. */
  readonly failure: { readonly invariant: string; readonly message: string; readonly atMs: number } | null;
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly virtualMs: number;
  readonly steps: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly injected: readonly FaultName[];
  readonly operations: OracleCounts;
  readonly begun: number;
  readonly reached: Reached;
}

const GATEWAYS = 2;

export async function runSeed({ options, skip, trace: wanted }: RunRequest): Promise<RunResult> {
  const restoreLimits = overrideLimits(options.limits);
  forgetEntries();
  const trace = new Trace(wanted);
  const world = new World(trace);
  const faults = new FaultPlan(options, skip);
  const cluster = new Cluster(world, options, faults);
  const model = new Model();
  const membersStayOut = new MembersStayOut();
  const leases = new LeaseOracle(model.store, () => faults.counts["clock-jump"] === 0);
  const oracle = new Oracle(model, leases, () => world.now);
  cluster.floorBefore = (atMs) => oracle.floorBefore(atMs);
  const reached = nowhere();
  let begun = 0;
  let failure: RunResult["failure"] = null;
  try {
    cluster.onStep = (durable) => {
      for (let entry = cluster.checker.history.committed(model.index + 1); entry !== null; ) {
        model.replay(entry);
        membersStayOut.committed(entry);
        entry = cluster.checker.history.committed(model.index + 1);
      }
      leases.observe(world.now);
      for (const change of durable) {
        checkStoreRows(change, model);
        noteDurable(reached, change);
      }
    };
    const gateways = Array.from(
      { length: GATEWAYS },
      (_, i) => new SimGateway(world, cluster, options, i, 0),
    );
    let restarts = 0;
    const restartGateway = (index: number): void => {
      const old = gateways[index];
      if (old !== undefined) old.alive = false;
      restarts += 1;
      gateways[index] = new SimGateway(world, cluster, options, index, restarts);
    };
    const gateway = (index: number): SimGateway => gateways[index % GATEWAYS] as SimGateway;
    const clients = Array.from(
      { length: options.clients },
      (_, index) =>
        new SimClient({
          world,
          options,
          faults,
          oracle,
          index,
          members: cluster.config.members.map(({ name }) => name),
          gateway: () => gateway(index),
          nextNumber: () => {
            if (faults.healed || begun >= options.operationsMax) return null;
            begun += 1;
            return begun;
          },
        }),
    );
    // Patient, whatever the run's clients were: it is asked whether there is an answer at all.
    const patient = { ...options, attemptMs: 4 * options.electionMs, attempts: 3 };
    const healer = new SimGateway(world, cluster, patient, GATEWAYS, 0);
    const watchers = startWatchers({ world, options, faults, model, gateway });
    const serve = (): void => {
      for (const client of clients) client.start();
      watchers.start();
    };
    const restores = startRestores({
      world,
      options,
      oracle,
      store: model.store,
      gateway: (index) => (faults.healed ? healer : gateway(index)),
      serve,
    });
    startNemesis({ world, options, faults, cluster, restartGateway, gateways: GATEWAYS });
    startOperator({ world, options, faults, cluster, model, gateway: () => gateway(0) });
    startMild({ world, options, faults, cluster, isAsked: () => begun < options.operationsMax });
    await world.run(options.durationMs);
    const clientsWait = (): boolean => clients.some(({ isWaiting }) => isWaiting) || !watchers.areUpToDate;
    await heal({
      world,
      cluster,
      options,
      faults,
      gateway: healer,
      watchers,
      isRestored: () => restores.areOver,
      clientsWait,
      store: model.store,
    });
    oracle.finish(cluster.repeated);
    noteWatches(reached, watchers);
  } catch (error) {
    failure = failureOf(error, world.now);
  } finally {
    noteEnd(reached, cluster, model, oracle);
    world.close();
    restoreLimits();
    cluster.close();
  }
  return {
    options,
    failure,
    traceHash: trace.hash,
    trace: trace.lines,
    virtualMs: world.now,
    steps: world.steps,
    faults: faults.counts,
    injected: faults.injected,
    operations: oracle.counts,
    begun,
    reached,
  };
}

function failureOf(error: unknown, atMs: number): RunResult["failure"] {
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message, atMs };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { invariant: "simulator", message, atMs };
}
