/** Decides every fault of a run, remembers those that happened, and can be told to leave some out. */
import type { Prng } from "../../../src/base/prng.ts";
import { FAULT_KINDS, type FaultKind, type RunOptions } from "../options.ts";
import { stream } from "../world/streams.ts";

/** One fault, named by its kind and the number of the decision: `drop#17`. */
export type FaultName = string;

export class FaultPlan {
  readonly injected: FaultName[] = [];
  readonly counts: Record<FaultKind, number>;
  readonly #options: RunOptions;
  readonly #skip: ReadonlySet<FaultName>;
  readonly #streams: Map<FaultKind, Prng>;
  readonly #decisions: Record<FaultKind, number>;
  #healed = false;

  constructor(options: RunOptions, skip: ReadonlySet<FaultName>) {
    this.#options = options;
    this.#skip = skip;
    this.#streams = new Map(FAULT_KINDS.map((kind) => [kind, stream(options.seed, `fault ${kind}`)]));
    this.counts = zeroes();
    this.#decisions = zeroes();
  }

  /** No faults from now on. */
  heal(): void {
    this.#healed = true;
  }

  get healed(): boolean {
    return this.#healed;
  }

  /** Whether a fault that may happen here, with the run's probability of its kind, does. */
  happens(kind: FaultKind): boolean {
    return this.#decide(kind, this.#options.faults[kind]);
  }

  /** The nemesis chose this kind: it happens unless it is left out. */
  chosen(kind: FaultKind): boolean {
    return this.#decide(kind, 1);
  }

  #decide(kind: FaultKind, probability: number): boolean {
    if (this.#healed || probability === 0) return false;
    this.#decisions[kind] += 1;
    // One draw for each decision, whatever comes of it: leaving a fault out shifts nothing.
    if (this.#streams.get(kind)?.chance(probability) !== true) return false;
    const name = `${kind}#${this.#decisions[kind]}`;
    if (this.#skip.has(name)) return false;
    this.counts[kind] += 1;
    this.injected.push(name);
    return true;
  }
}

function zeroes(): Record<FaultKind, number> {
  const counts: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS) counts[kind] = 0;
  // Every kind was just set.
  return counts as Record<FaultKind, number>;
}
