/** `npm run bench`: edged measured beside what it should be compared with. `--help` says the rest. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { documentReport, documentScale } from "./documented.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { clearProgress } from "./progress.ts";
import { chartOf, describeRun, figureTable, resultTable } from "./report.ts";
import { runCompare } from "./run-compare.ts";
import { runScale } from "./scale/run-scale.ts";
import { curveChart, curveTable } from "./scale/scale-report.ts";
import { textTable } from "./table.ts";
import { allTargets } from "./targets.ts";

const USAGE = 2;
const INTERRUPTED = 130;
/** Ctrl-C comes from the terminal and from whoever started this; only a later one means impatience. */
const ONE_SIGNAL_MS = 1_000;

process.exitCode = await main(process.argv.slice(2));

/** Answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return USAGE;
  }
  if (options.isHelp) {
    console.log(HELP);
    return 0;
  }
  if (options.isList) {
    for (const { id, group, name } of allTargets(1)) console.log(`${id.padEnd(28)} ${group}: ${name}`);
    return 0;
  }
  const stop = new AbortController();
  let stoppedMs = 0;
  onStopSignal(
    () => {
      stoppedMs = performance.now();
      stop.abort(new Error("interrupted"));
    },
    () => {
      if (performance.now() - stoppedMs > ONE_SIGNAL_MS) process.exit(INTERRUPTED);
    },
  );
  try {
    await measure(options, stop.signal);
    return 0;
  } catch (error) {
    clearProgress();
    if (stop.signal.aborted) console.error("bench: interrupted; everything it had started has ended");
    else console.error(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return stop.signal.aborted ? INTERRUPTED : 1;
  }
}

async function measure(options: Options, signal: AbortSignal): Promise<void> {
  const files = options.isScale ? await scale(options, signal) : await compare(options, signal);
  mkdirSync(options.out, { recursive: true });
  for (const [name, text] of files) {
    const path = join(options.out, name);
    writeFileSync(path, text);
    console.log(relative(".", path));
  }
}

/** Names and contents of what is to be written. */
type Files = ReadonlyMap<string, string>;

async function compare(options: Options, signal: AbortSignal): Promise<Files> {
  const report = await runCompare(options, signal);
  const { results, figures, plans, skipped } = report;
  console.log(`${describeRun(report)}\n`);
  for (const { connections } of plans) {
    if (results.length > 0) console.log(`${textTable(resultTable(results, connections))}\n`);
  }
  if (figures.length > 0) console.log(`${textTable(figureTable(figures))}\n`);
  for (const reason of skipped) console.log(`skipped: ${reason}`);
  if (options.writesDocs) documentReport(report);
  return new Map([
    ["bench.json", json(report)],
    ["bench.svg", chartOf(report)],
  ]);
}

async function scale(options: Options, signal: AbortSignal): Promise<Files> {
  const report = await runScale(options, signal);
  console.log(`${describeRun(report)}\n`);
  for (const curve of report.curves) {
    console.log(`${textTable(curveTable(curve))}\n`);
    if (curve.facts.length > 0) console.log(`${curve.facts.join("\n")}\n`);
  }
  if (options.writesDocs) documentScale(report);
  const charts = report.curves.map(
    (curve) => [`scale-${curve.id}.svg`, curveChart(curve, describeRun(report))] as const,
  );
  return new Map([["scale.json", json(report)], ...charts]);
}

function json(report: unknown): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
