/**
 * `npm run bench`: edged with three replicas beside one plain Durable Object that stores the same
 * puts, and beside a call that does nothing, in one runtime, from one load generator. Rounds are
 * interleaved; what counts is the ratio, not the bare rate of a machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { bundleWorker } from "../cluster/bundle.ts";
import { load, type Measured, send, type Target } from "./load.ts";

const KEYS_PER_CONNECTION = 100;
const key = (connection: number, n: number): string => `k${connection}-${n % KEYS_PER_CONNECTION}`;

const PLAIN_PUT: Target = {
  name: "one plain object: put",
  method: "PUT",
  path: (c, n) => `/plain/${key(c, n)}`,
};
const TARGETS: readonly Target[] = [
  { name: "edged: put", method: "PUT", path: (c, n) => `/kv/${key(c, n)}` },
  { name: "edged: linearizable get", method: "GET", path: (c, n) => `/kv/${key(c, n)}` },
  {
    name: "edged: serializable get",
    method: "GET",
    path: (c, n) => `/kv/${key(c, n)}?consistency=serializable`,
  },
  PLAIN_PUT,
  { name: "one plain object: get", method: "GET", path: (c, n) => `/plain/${key(c, n)}` },
  { name: "call of an object that does nothing", method: "GET", path: () => "/plain/noop" },
];

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "32" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    bytes: { type: "string", default: "256" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(
    "Usage: npm run bench -- [--connections 32] [--rounds 5] [--seconds 2 per round] [--bytes 256 per value]",
  );
} else {
  await main();
}

async function main(): Promise<void> {
  const connections = Number(values.connections);
  const durationMs = Number(values.seconds) * 1000;
  const folder = mkdtempSync(join(tmpdir(), "edged-bench-"));
  const runtime = await start(folder);
  try {
    const port = Number((await runtime.ready).port);
    await waitForLeader(port);
    const results = new Map<Target, Measured[]>(TARGETS.map((target) => [target, []]));
    for (const target of [...TARGETS.slice(0, 1), PLAIN_PUT]) {
      for (let c = 0; c < connections; c += 1) await fill(port, target, c);
    }
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const target of TARGETS) {
        if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1}: ${target.name}\u001b[K`);
        results.get(target)?.push(await load(port, target, connections, durationMs, Number(values.bytes)));
      }
    }
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
    report(results, connections);
  } finally {
    await runtime.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(folder: string): Promise<Miniflare> {
  const contents = await bundleWorker("scripts/bench/worker.ts");
  return new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents }],
    compatibilityDate: "2026-07-30",
    durableObjects: {
      REPLICA: { className: "Replica", useSQLite: true },
      PLAIN: { className: "PlainStore", useSQLite: true },
    },
    durableObjectsPersist: join(folder, "objects"),
    defaultPersistRoot: folder,
    bindings: { INITIAL_CLUSTER: "r1=enam,r2=weur,r3=apac-ne", ALLOW_ANONYMOUS: "true" },
  });
}

/** Every key exists before reads are measured. */
async function fill(port: number, target: Target, connection: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: KEYS_PER_CONNECTION });
  const body = Buffer.alloc(Number(values.bytes), "x");
  const sends = Array.from({ length: KEYS_PER_CONNECTION }, (_, n) =>
    send(agent, port, target, target.path(connection, n), body),
  );
  await Promise.all(sends);
  agent.destroy();
}

/** The gateway itself waits for the first election. */
async function waitForLeader(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/kv/warm`, { method: "PUT", body: "x" });
  if (!answer.ok) throw new Error(`no leader: ${await answer.text()}`);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(results: ReadonlyMap<Target, readonly Measured[]>, connections: number): void {
  const plain = results.get(PLAIN_PUT) ?? [];
  console.log(
    `${connections} connections, ${values.bytes} bytes a value, medians of ${values.rounds} rounds`,
  );
  console.log(
    "what".padEnd(38),
    "per s".padStart(7),
    "p50 ms".padStart(8),
    "p99 ms".padStart(8),
    "  to a plain put (spread)",
  );
  for (const [target, rounds] of results) {
    const ratios = rounds.map((round, i) => round.rate / (plain[i]?.rate ?? Number.NaN));
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    console.log(
      target.name.padEnd(38),
      median(rounds.map(({ rate }) => rate))
        .toFixed(0)
        .padStart(7),
      median(rounds.map(({ p50 }) => p50))
        .toFixed(1)
        .padStart(8),
      median(rounds.map(({ p99 }) => p99))
        .toFixed(1)
        .padStart(8),
      `  ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`,
      failed > 0 ? ` ${failed} failed` : "",
    );
  }
}
