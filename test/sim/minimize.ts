/**
 * Makes a failing run smaller while the same invariant fails: shorter, fewer operations and clients,
 * fewer faults, fewer replicas. What cannot be left out tells what it is about.
 */
import type { FaultName } from "./faults/fault-plan.ts";
import { drawOptions, FAULT_KINDS, type FixedOptions } from "./options.ts";
import { type RunResult, runSeed } from "./run-seed.ts";
import type { Scenario } from "./scenario.ts";

interface Candidate {
  readonly fixed: FixedOptions;
  readonly skip: readonly FaultName[];
}

export type MinimizeProgress = (runs: number, faults: number, note: string) => void;

/** Bounds the whole search; each step is one run. */
const RUNS_MAX = 400;

export async function minimize(
  failed: RunResult,
  fixed: FixedOptions,
  skip: readonly FaultName[],
  progress: MinimizeProgress,
): Promise<Scenario> {
  const search = new Search(failed, { fixed, skip }, progress);
  await search.run();
  return search.scenario();
}

class Search {
  readonly #seed: number;
  readonly #invariant: string;
  readonly #progress: MinimizeProgress;
  #best: Candidate;
  #result: RunResult;
  #runs = 0;

  constructor(failed: RunResult, start: Candidate, progress: MinimizeProgress) {
    this.#seed = failed.options.seed;
    this.#invariant = failed.failure?.invariant ?? "";
    this.#best = start;
    this.#result = failed;
    this.#progress = progress;
  }

  async run(): Promise<void> {
    await this.#shorten();
    await this.#withoutKinds();
    await this.#withoutFaults();
    await this.#fewer("operationsMax", this.#result.begun);
    await this.#fewer("clients", this.#result.options.clients);
    await this.#fewer("replicas", this.#result.options.replicas);
    await this.#withoutFaults();
  }

  scenario(): Scenario {
    const { fixed, skip } = this.#best;
    const found = `${this.#invariant}: ${this.#result.failure?.message ?? ""}`.slice(0, 300);
    return { found, seed: this.#seed, fixed, skip };
  }

  async #accepts(candidate: Candidate, note: string): Promise<boolean> {
    if (this.#runs >= RUNS_MAX) return false;
    this.#runs += 1;
    const options = drawOptions(this.#seed, candidate.fixed);
    const result = await runSeed({ options, skip: new Set(candidate.skip), trace: false });
    if (result.failure?.invariant !== this.#invariant) return false;
    this.#best = candidate;
    this.#result = result;
    this.#progress(this.#runs, result.injected.length, note);
    return true;
  }

  /** Nothing after the violation matters. Faults of the healing phase need the whole time. */
  async #shorten(): Promise<void> {
    const at = this.#result.failure?.atMs ?? 0;
    const { durationMs } = this.#result.options;
    if (at >= durationMs) return;
    await this.#accepts(this.#with({ durationMs: Math.ceil(at) + 1 }), "shorter");
  }

  async #withoutKinds(): Promise<void> {
    for (const kind of FAULT_KINDS) {
      const { faults } = this.#result.options;
      if (faults[kind] === 0) continue;
      await this.#accepts(this.#with({ faults: { ...faults, [kind]: 0 } }), `without ${kind}`);
    }
  }

  /** Leaves out blocks of faults, then smaller blocks, down to single ones (ddmin). */
  async #withoutFaults(): Promise<void> {
    for (let size = Math.ceil(this.#result.injected.length / 2); size >= 1; size = Math.floor(size / 2)) {
      let from = 0;
      while (from < this.#result.injected.length && this.#runs < RUNS_MAX) {
        const block = this.#result.injected.slice(from, from + size);
        const skip = [...this.#best.skip, ...block];
        const shrunk = await this.#accepts({ ...this.#best, skip }, `without ${block.length} faults`);
        if (!shrunk) from += size;
      }
    }
  }

  async #fewer(name: "operationsMax" | "clients" | "replicas", from: number): Promise<void> {
    for (let value = Math.floor(from / 2); value >= 1; value = Math.floor(value / 2)) {
      if (!(await this.#accepts(this.#with({ [name]: value }), `${name} ${value}`))) break;
    }
  }

  #with(fixed: FixedOptions): Candidate {
    return { ...this.#best, fixed: { ...this.#best.fixed, ...fixed } };
  }
}
