/**
 * `npm run chaos`: real processes, real faults, real clients, and judges that know nothing about the
 * inside. See `--help`.
 */
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { finished } from "node:stream/promises";
import { decodeHistory, encodeOperation } from "../../test/linearizability/history-file.ts";
import { judge } from "../../test/linearizability/judge.ts";
import type { Operation } from "../../test/linearizability/operation.ts";
import { type ChaosArguments, parseArguments, USAGE } from "./arguments.ts";
import { baseRevisionOf } from "./audit.ts";
import { startProcessCluster } from "./process-cluster.ts";
import { describeReport } from "./report.ts";
import { type ChaosOptions, type ChaosProgress, runChaos } from "./run.ts";

const EXIT = { ok: 0, violation: 1, usage: 2, undecided: 3 } as const;

async function main(): Promise<number> {
  const freshSeed = Math.floor(Math.random() * 1_000_000);
  const parsed = parseArguments(process.argv.slice(2), freshSeed);
  if (!parsed.ok) {
    process.stderr.write(`chaos: ${parsed.error}\n\n${USAGE}\n`);
    return EXIT.usage;
  }
  if (parsed.value === "help") {
    process.stdout.write(`${USAGE}\n`);
    return EXIT.ok;
  }
  return parsed.value.judge === null ? await run(parsed.value) : judgeFile(parsed.value.judge);
}

async function run(chosen: ChaosArguments): Promise<number> {
  const stop = new AbortController();
  if (!chosen.keep) rmSync(chosen.dir, { recursive: true, force: true });
  process.stdout.write(`seed ${chosen.seed}: starting ${chosen.replicas} replicas in ${chosen.dir}\n`);
  const cluster = await startProcessCluster(chosen);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // The first ends the storm; what was seen so far is still audited and judged.
      if (stop.signal.aborted) void cluster.stop().finally(() => process.exit(EXIT.undecided));
      stop.abort();
    });
  }
  try {
    const showsProgress = process.stderr.isTTY === true;
    const clear = showsProgress ? "\r\x1b[K" : "";
    const report = await runChaos(cluster, optionsOf(chosen), {
      signal: stop.signal,
      log: (line) => process.stderr.write(`${clear}${line}\n`),
      progress: (state) => {
        if (showsProgress) process.stderr.write(clear + describeProgress(state, chosen));
      },
    });
    await writeHistory(chosen.out, report.history);
    process.stderr.write(clear);
    // Ended first, so that the verdict is the last line whatever the processes say when they go.
    await cluster.stop();
    process.stdout.write(`${describeReport(report, chosen)}\n`);
    if (report.verdict.kind === "ok" && !chosen.keep) rmSync(chosen.dir, { recursive: true, force: true });
    return EXIT[report.verdict.kind];
  } finally {
    await cluster.stop();
  }
}

function judgeFile(file: string): number {
  const history = decodeHistory(readFileSync(file, "utf8"));
  const judgement = judge(history, baseRevisionOf(history));
  if (judgement.kind === "violation") process.stdout.write(`${judgement.text}\n\n`);
  process.stdout.write(`chaos: ${judgement.kind} (${history.length} operations of ${file})\n`);
  return EXIT[judgement.kind];
}

function optionsOf(chosen: ChaosArguments): ChaosOptions {
  return {
    ...chosen,
    operationsMax: Number.POSITIVE_INFINITY,
    holdMsMax: 3_500,
    thinkMsMax: 20,
    rotateKeysMs: 15_000,
    recoverMs: 60_000,
    auditWritesMax: 5_000,
    judgeMs: 120_000,
  };
}

function describeProgress(state: ChaosProgress, { seconds }: ChaosArguments): string {
  const elapsed = (state.elapsedMs / 1_000).toFixed(1);
  return `${state.phase} ${elapsed}/${seconds} s, ${state.operations} operations, ${state.unknown} unknown`;
}

async function writeHistory(file: string, history: readonly Operation[]): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const stream = createWriteStream(file);
  for (const operation of history) stream.write(`${encodeOperation(operation)}\n`);
  stream.end();
  await finished(stream);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`chaos: could not run: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT.undecided);
  },
);
