/**
 * `npm run bench:rows`: how many rows a put writes on each replica, and where each of them goes, as the
 * platform counts them (an entry of an index is a row, a deletion is one). Counted for good: the log is
 * as long as it gets and the memory of operations full, so that each put also deletes what an older one
 * left. Counts, not times: they hardly depend on the machine, but on how many puts share a batch.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../cluster/bundle.ts";
import { httpClient } from "./http-client.ts";

const REPLICAS = 3;
const VALUE = Buffer.alloc(256, "x");
/** The log is cut when it has so many entries, to half of them; production's are more, which costs less. */
const LOG_ENTRIES = 200;

interface Load {
  readonly name: string;
  readonly connections: number;
  /** Before counting begins: until what is kept is of such batches. */
  readonly warmPutsEach: number;
  readonly putsEach: number;
  /** Between two puts of one connection. */
  readonly pauseMs: number;
}

const LOADS: readonly Load[] = [
  { name: "one client, a pause between puts", connections: 1, warmPutsEach: 700, putsEach: 100, pauseMs: 40 },
  { name: "one client, put after put", connections: 1, warmPutsEach: 100, putsEach: 1_000, pauseMs: 0 },
  { name: "32 clients", connections: 32, warmPutsEach: 100, putsEach: 250, pauseMs: 0 },
  { name: "64 clients", connections: 64, warmPutsEach: 80, putsEach: 150, pauseMs: 0 },
];

type Rows = Readonly<Record<string, number>>;

async function run(origin: string, load: Load): Promise<void> {
  const client = async (connection: number): Promise<void> => {
    const path = (n: number): string => `/kv/k${connection}-${n % 100}`;
    const http = httpClient(origin, (n) => ({ method: "PUT", path: path(n), body: VALUE }));
    for (let n = 0; n < load.putsEach; n += 1) {
      if (!(await http.call(n))) throw new Error("a put failed");
      if (load.pauseMs > 0) await sleep(load.pauseMs);
    }
    await http.close();
  };
  await Promise.all(Array.from({ length: load.connections }, (_, connection) => client(connection)));
  // The last news of a commit are on their way.
  await sleep(100);
}

async function get<T>(origin: string, path: string): Promise<T> {
  return (await (await fetch(`${origin}${path}`)).json()) as T;
}

async function lastIndex(origin: string): Promise<number> {
  const { members } = await get<{ members: readonly { commit?: number }[] }>(origin, "/status");
  return Math.max(...members.map(({ commit }) => commit ?? 0));
}

function print(load: Load, rows: Rows, batches: number): void {
  const puts = load.connections * load.putsEach;
  const perPut = (count: number): string => (count / puts / REPLICAS).toFixed(2);
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  console.log(
    `${load.name}: ${(puts / batches).toFixed(1)} puts a batch, ${perPut(total)} rows a put and replica`,
  );
  for (const [what, count] of Object.entries(rows).sort(([, one], [, other]) => other - one)) {
    if (count > 0) console.log(`  ${perPut(count).padStart(6)}  ${what}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "edged-rows-"));
const runtime = new Miniflare({
  modules: [
    {
      type: "ESModule",
      path: "worker.mjs",
      contents: await bundleWorker("test/worker/entry/row-counting-worker.ts"),
    },
  ],
  ...readCompatibility(),
  durableObjects: { REPLICA: { className: "Replica", useSQLite: true } },
  durableObjectsPersist: join(folder, "objects"),
  defaultPersistRoot: folder,
  bindings: {
    INITIAL_CLUSTER: "r1=enam,r2=weur,r3=apac-ne",
    ALLOW_ANONYMOUS: "true",
    SNAPSHOT_EVERY: String(LOG_ENTRIES),
  },
});
try {
  const origin = (await runtime.ready).origin;
  await fetch(`${origin}/kv/warm`, { method: "PUT", body: "x" });
  for (const load of LOADS) {
    await run(origin, { ...load, putsEach: load.warmPutsEach, pauseMs: 0 });
    await get<Rows>(origin, "/_rows");
    const before = await lastIndex(origin);
    await run(origin, load);
    print(load, await get<Rows>(origin, "/_rows"), (await lastIndex(origin)) - before);
  }
} finally {
  await runtime.dispose();
  rmSync(folder, { recursive: true, force: true });
}
