/** The watching clients of one run. */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { NaiveStore } from "../oracle/naive-store.ts";
import type { World } from "../world/world.ts";
import { SimWatcher } from "./sim-watcher.ts";

export interface Watchers {
  /** Each was told everything that happened. */
  readonly areUpToDate: boolean;
  readonly counts: { readonly told: number; readonly resumed: number; readonly compacted: number };
  /** Ends all of them and waits until no replica has a call of theirs. */
  close(): Promise<void>;
}

export interface WatchersParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly store: NaiveStore;
  readonly gateway: (index: number) => SimGateway;
}

/** Above the time for which replicas let calls wait. */
const FORGOTTEN_MS = 30_000;

export function startWatchers({ world, options, faults, store, gateway }: WatchersParts): Watchers {
  const watchers = Array.from(
    { length: options.watchers },
    (_, index) =>
      new SimWatcher({
        world,
        options,
        store,
        index,
        gateway: () => gateway(index),
        isHealed: () => faults.healed,
      }),
  );
  for (const watcher of watchers) watcher.start();
  const sum = (of: (watcher: SimWatcher) => number): number =>
    watchers.reduce((total, watcher) => total + of(watcher), 0);
  return {
    get areUpToDate() {
      return watchers.every(({ isUpToDate }) => isUpToDate);
    },
    get counts() {
      return {
        told: sum(({ counts }) => counts.told),
        resumed: sum(({ counts }) => counts.resumed),
        compacted: sum(({ counts }) => counts.compacted),
      };
    },
    async close() {
      if (watchers.length === 0) return;
      for (const watcher of watchers) watcher.close();
      await world.run(world.now + FORGOTTEN_MS);
    },
  };
}
