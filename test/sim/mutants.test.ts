/** Known bugs: all still have their place in the source, and the quickest are found. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { huntAll, isFound } from "../../scripts/sim/mutants/campaign.ts";
import { MUTANTS } from "../../scripts/sim/mutants/list/all.ts";
import { applyEdit } from "../../scripts/sim/mutants/mutant.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const QUICK = [
  "vote-not-stored",
  "resume-leadership",
  "no-deduplication",
  "applied-apart",
  "alarm-not-rearmed",
];
const SEEDS_MAX = 12;

test.each(MUTANTS)("the source has the place of $id", ({ edits }) => {
  const sources = new Map<string, string>();
  for (const edit of edits) {
    const source = sources.get(edit.file) ?? readFileSync(path.join(ROOT, edit.file), "utf8");
    sources.set(edit.file, applyEdit(source, edit));
  }
  expect(sources.size).toBeGreaterThan(0);
});

test("names are unique", () => {
  expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
});

test("five bugs are found within a few seeds each", async () => {
  const verdicts = await huntAll({
    mutants: MUTANTS.filter(({ id }) => QUICK.includes(id)),
    firstSeed: 1,
    seeds: SEEDS_MAX,
    processes: 2,
    progress: () => undefined,
    judged: () => undefined,
  });
  expect(verdicts.filter(isFound).map(({ mutant }) => mutant.id)).toHaveLength(QUICK.length);
});
