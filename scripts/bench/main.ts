/** `npm run bench`: edged measured beside what it should be compared with. `--help` says the rest. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { HELP, type Options, readOptions } from "./options.ts";
import { clearProgress } from "./progress.ts";
import { chartOf, describeRun, figureTable, type Report, resultTable } from "./report.ts";
import { runCompare } from "./run-compare.ts";
import { textTable } from "./table.ts";
import { allTargets } from "./targets.ts";

const USAGE = 2;
const INTERRUPTED = 130;

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
  onStopSignal(
    () => stop.abort(new Error("interrupted")),
    () => process.exit(INTERRUPTED),
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
  const report = await runCompare(options, signal);
  print(report);
  mkdirSync(options.out, { recursive: true });
  const [data, chart] = [join(options.out, "bench.json"), join(options.out, "bench.svg")];
  writeFileSync(data, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(chart, chartOf(report));
  console.log(`\n${relative(".", data)}, ${relative(".", chart)}`);
}

function print(report: Report): void {
  const { results, figures, plans, skipped } = report;
  console.log(`${describeRun(report)}\n`);
  for (const { connections } of plans) {
    if (results.length > 0) console.log(`${textTable(resultTable(results, connections))}\n`);
  }
  console.log(textTable(figureTable(figures)));
  for (const reason of skipped) console.log(`skipped: ${reason}`);
}
