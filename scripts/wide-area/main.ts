/** `npm run wide-area`: what distance does to latency, failover and the bill. Same seed, same numbers. */
import { writeFileSync } from "node:fs";
import { parseWideArguments, USAGE, type WideArguments } from "./arguments.ts";
import { measureCosts, WORKS } from "./costs.ts";
import { documentResults } from "./documented.ts";
import { LOSSES, measureFailover } from "./failovers.ts";
import { isFree, measureIdleness } from "./idleness.ts";
import { measureLatencies } from "./latencies.ts";
import { type Results, report } from "./report.ts";

const parsed = parseWideArguments(process.argv.slice(2));
if (!parsed.ok) {
  console.error(`${parsed.error}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (parsed.value === "help") {
  console.log(USAGE);
} else {
  process.exitCode = await main(parsed.value);
}

async function main(args: WideArguments): Promise<number> {
  const results = await measure(args);
  if (args.json === "-") console.log(JSON.stringify(results));
  else console.log(report(results));
  if (args.json !== null && args.json !== "-")
    writeFileSync(args.json, `${JSON.stringify(results, null, 1)}\n`);
  if (args.writeDocs) documentResults(results);
  return results.idleness.every(isFree) ? 0 : 1;
}

async function measure({
  placements,
  seed,
  samples,
  trials,
  operations,
  only,
}: WideArguments): Promise<Results> {
  const wants = (part: string): boolean => only === null || only === part;
  const latencies: Results["latencies"][number][] = [];
  const failovers: Results["failovers"][number][] = [];
  const idleness: Results["idleness"][number][] = [];
  const costs: Results["costs"][number][] = [];
  for (const placement of placements) {
    const where = placement.join(" + ");
    if (wants("latency")) {
      progress(`latencies of ${where}`);
      latencies.push(await measureLatencies({ placement, seed, samples }));
    }
    for (const loss of wants("failover") ? LOSSES : []) {
      progress(`failovers of ${where}: ${loss}`);
      failovers.push(await measureFailover({ placement, seed, trials }, loss));
    }
    if (wants("idle")) {
      progress(`an idle month of ${where}`);
      idleness.push(await measureIdleness(placement, seed));
    }
  }
  // Prices differ little by placement: what is counted are calls and rows.
  const [placement] = placements;
  for (const what of wants("cost") && placement !== undefined ? WORKS : []) {
    progress(`the cost of ${what.name}`);
    costs.push(await measureCosts({ placement: placement ?? [], seed, operations }, what));
  }
  progress("");
  return { seed, samples, trials, operations, latencies, failovers, idleness, costs };
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${what}\u001b[K`);
}
