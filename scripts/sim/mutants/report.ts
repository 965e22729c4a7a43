/** What came of it, for the terminal and for docs/mutants.md. */
import { isFound, type Verdict } from "./campaign.ts";
import type { Mutant } from "./mutant.ts";

export function line({ mutant, finding, isFalse }: Verdict): string {
  const { invariant, seeds } = finding;
  const result = invariant === null ? `SURVIVED ${seeds} seeds` : `${invariant} after ${count(seeds)}`;
  const doubt = isFalse ? `, and so does the unchanged source: seed ${finding.seed}` : "";
  return `${mutant.id.padEnd(34)} ${mutant.detector.padEnd(10)} ${result}${doubt}`;
}

/** `open`: bugs that were left out because nothing finds them. */
export function summary(verdicts: readonly Verdict[], open: number, seconds: number): string {
  const survived = verdicts.filter((verdict) => !isFound(verdict));
  const seeds = verdicts.reduce((sum, { finding }) => sum + finding.seeds, 0);
  const names = survived.map(({ mutant }) => mutant.id).join(", ");
  const rest = survived.length === 0 ? "none survived" : `${survived.length} SURVIVED: ${names}`;
  return `${verdicts.length} bugs, ${verdicts.length - survived.length} found, ${rest}; ${open} known to be missed were left out; ${seeds} seeds in ${seconds.toFixed(0)} s`;
}

export function markdown(
  verdicts: readonly Verdict[],
  all: readonly Mutant[],
  { firstSeed, seeds }: { readonly firstSeed: number; readonly seeds: number },
): string {
  const rows = verdicts.map((verdict) => {
    const { mutant, finding } = verdict;
    const { id, title, known, detector } = mutant;
    const found = isFound(verdict) ? `\`${finding.invariant}\`` : "**survived**";
    return `| \`${id}\` | ${cell(title)} | ${cell(known)} | ${detector} | ${found} | ${finding.seeds} |`;
  });
  const survived = verdicts.filter((verdict) => !isFound(verdict)).length;
  const missed = all.flatMap(({ id, title, known, open }) =>
    open === undefined ? [] : [`| \`${id}\` | ${cell(title)} | ${cell(known)} | ${cell(open)} |`],
  );
  return `# Known bugs, put back one at a time

A simulator that finds nothing may be blind. So bugs that others had, and rules that are easy to
miss, are put into a copy of the source, one at a time, and the simulator runs on it from seed
${firstSeed} until an invariant breaks. A bug that survives ${seeds} seeds is a hole.

Most bugs show only under few kinds of misfortune, so each is looked for in a climate that is full of
those (\`scripts/sim/mutants/climate.ts\`); "any" is the simulator's own mixture. The unchanged source
passes the seeds that found a bug, and the first ones of every climate.

This file is written by \`npm run sim:mutants -- --write\`. The bugs are in
\`scripts/sim/mutants/list/\`; what each invariant means is in \`test/sim/invariants/README.md\`.
"core": the fuzzer of the consensus core (\`test/raft/fuzz\`), with the same invariants and those of
\`test/raft/README.md\`: it also changes the membership, hands over leadership, cuts appends short and
compares reads, many lives a second. "mild": runs in which a majority must not notice what goes wrong, for
rules that only cost availability. Every bug is found by an invariant that is broken in a random life;
the stories of \`test/raft/golden\`, which notice any change of behaviour, do not count.

\`halted\` and \`assertion\`: the source itself noticed and stopped the replica.

${verdicts.length + missed.length} bugs: ${verdicts.length - survived} found, ${survived} survived, ${missed.length} known to be missed${missed.length > 0 ? " (below)" : ""}.

| Bug | What goes wrong | Known from | Climate | Found by | Seeds |
|---|---|---|---|---|--:|
${rows.join("\n")}
${missed.length === 0 ? "" : missedSection(missed)}`;
}

function missedSection(rows: readonly string[]): string {
  return `
## Known to be missed

${rows.length} bugs are in the list, and their places in the source are checked, but nothing here finds them yet.

| Bug | What goes wrong | Known from | Why, probably |
|---|---|---|---|
${rows.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function count(seeds: number): string {
  return seeds === 1 ? "1 seed" : `${seeds} seeds`;
}
