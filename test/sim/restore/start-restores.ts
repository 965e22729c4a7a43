/** The restores of one run, before anybody else is served. */
import { toHex } from "../../../src/base/bytes.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { NaiveStore } from "../oracle/naive-store.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import { makeBackup } from "./backup.ts";
import { Restorer } from "./restorer.ts";

export interface RestoresParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly oracle: Oracle;
  readonly store: NaiveStore;
  readonly gateway: (index: number) => SimGateway;
  /** Lets clients begin: a backup is restored, or nothing is to be. */
  readonly serve: () => void;
}

export interface Restores {
  readonly areOver: boolean;
}

export function startRestores({ world, options, oracle, store, gateway, serve }: RestoresParts): Restores {
  if (!options.restores) {
    serve();
    return { areOver: true };
  }
  const random = stream(options.seed, "restores");
  const backup = makeBackup(options, random);
  // Now and then the same file twice at once, or another one that comes too late.
  const backups = random.pick([[backup], [backup], [backup, backup], [backup, makeBackup(options, random)]]);
  let open = backups.length;
  let isServed = false;
  for (const [index, one] of backups.entries()) {
    store.backups.set(toHex(one.id), one);
    const done = (): void => {
      open -= 1;
      if (isServed || store.isRestoring) return;
      isServed = true;
      serve();
    };
    const parts = { world, options, oracle, index, backup: one, done };
    new Restorer({ ...parts, gateway: () => gateway(index) }).start();
  }
  return {
    get areOver() {
      return open === 0;
    },
  };
}
