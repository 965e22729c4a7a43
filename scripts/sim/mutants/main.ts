/** Puts known bugs back one at a time and sees whether the simulator finds them. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type MutantArguments, parseArguments, USAGE } from "./arguments.ts";
import { type Campaign, checkSource, huntAll, isFound } from "./campaign.ts";
import { MUTANTS } from "./list/all.ts";
import { line, markdown, summary } from "./report.ts";

const PAGE = path.resolve(import.meta.dirname, "../../../docs/mutants.md");

// So that children and copies go with this process.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

const parsed = parseArguments(process.argv.slice(2), MUTANTS);
if (!parsed.ok) {
  console.error(`${parsed.error}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (parsed.value === "help") {
  console.log(USAGE);
} else if (parsed.value.list) {
  for (const { id, title, open } of parsed.value.mutants) {
    console.log(`${id.padEnd(34)} ${title}${open === undefined ? "" : " (open)"}`);
  }
} else {
  process.exitCode = await run(parsed.value);
}

async function run({ mutants, firstSeed, seeds, processes, write }: MutantArguments): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const campaign: Campaign = {
    mutants,
    firstSeed,
    seeds,
    processes,
    progress: (what, ran) =>
      showProgress(`${done} of ${mutants.length} bugs; ${what}: ${ran} of ${seeds} seeds`),
    judged: (verdict) => {
      done += 1;
      clearProgress();
      console.log(`${progressMark(done, mutants.length)} ${line(verdict)}`);
    },
  };
  const own = await checkSource(campaign);
  clearProgress();
  if (own !== null) {
    console.log(`the unchanged source violates ${own.invariant} in seed ${own.seed}: ${own.message}`);
    return 1;
  }
  const verdicts = await huntAll(campaign);
  if (write) writeFileSync(PAGE, markdown(verdicts, MUTANTS, { firstSeed, seeds }));
  const leftOut = MUTANTS.filter((mutant) => mutant.open !== undefined && !mutants.includes(mutant)).length;
  console.log(summary(verdicts, leftOut, (performance.now() - startedAt) / 1000));
  return verdicts.every(isFound) ? 0 : 1;
}

/** How far this run is, in a form that lines up. */
function progressMark(done: number, all: number): string {
  return `[${String(done).padStart(String(all).length)}/${all}]`;
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
