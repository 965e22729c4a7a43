/** All hunts of one run: the unchanged source first, then bug after bug, a few at a time. */
import { type Finding, hunt } from "./hunt.ts";
import type { Detector, Mutant } from "./mutant.ts";
import { SourceCopy } from "./source-copy.ts";

export interface Verdict {
  readonly mutant: Mutant;
  readonly finding: Finding;
  /** The seed that found it fails without the bug, too. */
  readonly isFalse: boolean;
}

/** True when the seeds tell the source with the bug from the one without. */
export function isFound({ finding, isFalse }: Verdict): boolean {
  return finding.invariant !== null && !isFalse;
}

export interface Campaign {
  readonly mutants: readonly Mutant[];
  readonly firstSeed: number;
  readonly seeds: number;
  /** Hunts at a time. */
  readonly processes: number;
  /** A hunt is under way: what for, and seeds run so far. */
  readonly progress: (what: string, seeds: number) => void;
  readonly judged: (verdict: Verdict) => void;
}

/** Seeds that the unchanged source must pass in each climate before anything is broken. */
const HEALTHY_SEEDS = 10;

/** What the unchanged source violates in the first seeds; null: nothing. */
export async function checkSource(campaign: Campaign): Promise<Finding | null> {
  const detectors = [...new Set(campaign.mutants.map(({ detector }) => detector))];
  const findings = await inParallel(campaign.processes, detectors, async (copy, detector: Detector) =>
    hunt(copy.folder, {
      ...campaign,
      seeds: Math.min(campaign.seeds, HEALTHY_SEEDS),
      detector,
      progress: (seeds) => campaign.progress("no bug", seeds),
    }),
  );
  return findings.find(({ invariant }) => invariant !== null) ?? null;
}

/** Every verdict, in the order of the bugs. */
export function huntAll(campaign: Campaign): Promise<readonly Verdict[]> {
  return inParallel(campaign.processes, campaign.mutants, async (copy, mutant) => {
    const { detector } = mutant;
    copy.mutate(mutant);
    const finding = await hunt(copy.folder, {
      ...campaign,
      detector,
      progress: (seeds) => campaign.progress(mutant.id, seeds),
    }).finally(() => copy.restore());
    const verdict = { mutant, finding, isFalse: await alsoWithoutBug(copy, detector, finding) };
    campaign.judged(verdict);
    return verdict;
  });
}

/** A seed that fails without the bug, too, has not found it. */
async function alsoWithoutBug(copy: SourceCopy, detector: Detector, found: Finding): Promise<boolean> {
  if (found.invariant === null) return false;
  const again = await hunt(copy.folder, {
    detector,
    firstSeed: found.seed,
    seeds: 1,
    progress: () => undefined,
  });
  return again.invariant !== null;
}

/** Runs `work` over `items`, each process with a copy of the source of its own; results in order. */
async function inParallel<Item, Answer>(
  processes: number,
  items: readonly Item[],
  work: (copy: SourceCopy, item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const waiting = [...items.entries()];
  const answers = new Map<number, Answer>();
  const lane = async (copy: SourceCopy): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      answers.set(next[0], await work(copy, next[1]));
    }
  };
  const first = new SourceCopy();
  const copies = [first];
  try {
    // Of the first copy, so that both are the same though somebody is editing.
    while (copies.length < Math.min(processes, items.length)) copies.push(new SourceCopy(first.folder));
    await Promise.all(copies.map(lane));
  } finally {
    for (const copy of copies) copy.remove();
  }
  return [...answers.entries()].sort(([a], [b]) => a - b).map(([, answer]) => answer);
}
