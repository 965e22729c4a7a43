/** The watching clients of one run. */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { Model } from "../oracle/model.ts";
import type { World } from "../world/world.ts";
import { SimWatcher } from "./sim-watcher.ts";

export interface Watchers {
  start(): void;
  /** Each was told everything that happened. */
  readonly areUpToDate: boolean;
  readonly counts: {
    readonly told: number;
    readonly resumed: number;
    readonly compacted: number;
    readonly refused: number;
  };
  /** Ends all of them and waits until no replica has a call of theirs. */
  close(): Promise<void>;
}

export interface WatchersParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly model: Model;
  readonly gateway: (index: number) => SimGateway;
}

/** Above the time for which replicas let calls wait. */
const FORGOTTEN_MS = 30_000;

export function startWatchers({ world, options, faults, model, gateway }: WatchersParts): Watchers {
  const watchers = Array.from(
    { length: options.watchers },
    (_, index) =>
      new SimWatcher({
        world,
        options,
        model,
        index,
        gateway: () => gateway(index),
        isHealed: () => faults.healed,
      }),
  );
  const sum = (of: (watcher: SimWatcher) => number): number =>
    watchers.reduce((total, watcher) => total + of(watcher), 0);
  return {
    start() {
      for (const watcher of watchers) watcher.start();
    },
    get areUpToDate() {
      return watchers.every(({ isUpToDate }) => isUpToDate);
    },
    get counts() {
      return {
        told: sum(({ counts }) => counts.told),
        resumed: sum(({ counts }) => counts.resumed),
        compacted: sum(({ counts }) => counts.compacted),
        refused: sum(({ counts }) => counts.refused),
      };
    },
    async close() {
      if (watchers.length === 0) return;
      for (const watcher of watchers) watcher.close();
      await world.run(world.now + FORGOTTEN_MS);
    },
  };
}
