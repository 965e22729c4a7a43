/**
 * Random sequences of requests, answered by edged and by a real etcd, compared step by step:
 * `node_modules/.bin/node scripts/compat/random/main.ts --base http://127.0.0.1:8787 [--sequences N]
 * [--seed S] [--steps N] [--profile NAME] [--jobs N] [--trace]`. Each sequence takes an empty etcd and
 * a cluster of its own below `--base`. Ends with 1 after a difference.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startEtcdProcess } from "./etcd-process.ts";
import { Exchange } from "./exchange.ts";
import { PROFILES, Sequence, type SequenceResult } from "./sequence.ts";

const SEED_MAX = 10_000_000;

const { values } = parseArgs({
  options: {
    base: { type: "string", default: "http://127.0.0.1:8787" },
    sequences: { type: "string", default: "21" },
    seed: { type: "string", default: String(randomInt(SEED_MAX)) },
    steps: { type: "string", default: "120" },
    profile: { type: "string" },
    jobs: { type: "string", default: "2" },
    trace: { type: "boolean", default: false },
  },
});

const run = randomInt(SEED_MAX);

async function runOne(seed: number): Promise<SequenceResult> {
  const named = PROFILES.find((name) => name === values.profile);
  const profile = named ?? PROFILES[seed % PROFILES.length] ?? "keys";
  const etcd = await startEtcdProcess();
  const reference = new Exchange(etcd.url);
  const cluster = `${values.base}/clusters/random-${run}-${seed}`;
  const tested = new Exchange(cluster);
  try {
    const trace = (request: object, expected: string, found: string): void =>
      console.log(`${JSON.stringify(request)}\n  etcd:  ${expected}\n  edged: ${found}`);
    const result = await new Sequence({
      seed,
      steps: Number(values.steps),
      profile,
      reference,
      tested,
      ...(values.trace ? { trace } : {}),
    }).run();
    for (const { step, request, expected, found } of result.differences) {
      const { method, path, headers, body } = request;
      console.log(
        `DIFFERENT in --seed ${seed} --profile ${profile}, step ${step}: ${method} ${path} ${JSON.stringify(headers)}`,
      );
      console.log(`  ${JSON.stringify(body)}\n  etcd:  ${expected.trimEnd()}\n  edged: ${found.trimEnd()}`);
    }
    if (values.trace) console.log(`edged was ${cluster}`);
    if (result.hasEnded)
      console.log(`etcd has ended in --seed ${seed} --profile ${profile}, step ${result.steps}`);
    return result;
  } finally {
    reference.close();
    tested.close();
    await etcd.stop();
  }
}

const first = Number(values.seed);
const total = { sequences: 0, steps: 0, differences: 0, ended: 0 };
let next = first;
async function work(): Promise<void> {
  while (next < first + Number(values.sequences)) {
    const seed = next;
    next += 1;
    const result = await runOne(seed);
    total.sequences += 1;
    total.steps += result.steps;
    total.differences += result.differences.length;
    total.ended += result.hasEnded ? 1 : 0;
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.log(
  `${total.sequences} sequences from seed ${first}, ${total.steps} steps: ${total.differences} differences; ` +
    `etcd's process ended ${total.ended} times`,
);
process.exitCode = total.differences === 0 ? 0 : 1;
