/** Decides every fault of a run, remembers those that happened, and can be told to leave some out. */
import { defined } from "../../../src/base/assert.ts";
import type { Prng } from "../../../src/base/prng.ts";
import { FAULT_KINDS, type FaultKind, type RunOptions } from "../options.ts";
import { stream } from "../world/streams.ts";

/** One fault, named by its kind and the number of the decision: `drop#17`. */
export type FaultName = string;

/** All that decisions of one kind need, in one place: several are made in an event. */
interface Decider {
  readonly random: Prng;
  /** That one that may happen does. */
  readonly probability: number;
  decisions: number;
}

export class FaultPlan {
  readonly injected: FaultName[] = [];
  readonly counts: Record<FaultKind, number>;
  readonly #skip: ReadonlySet<FaultName>;
  readonly #kinds: ReadonlyMap<FaultKind, Decider>;
  #healed = false;

  constructor(options: RunOptions, skip: ReadonlySet<FaultName>) {
    this.#skip = skip;
    this.#kinds = new Map(FAULT_KINDS.map((kind) => [kind, deciderOf(kind, options)]));
    this.counts = zeroes();
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
    if (this.#healed) return false;
    const decider = defined(this.#kinds.get(kind), "every kind of fault is decided");
    return decider.probability !== 0 && this.#decide(kind, decider, decider.probability);
  }

  /** The nemesis chose this kind: it happens unless it is left out. */
  chosen(kind: FaultKind): boolean {
    if (this.#healed) return false;
    return this.#decide(kind, defined(this.#kinds.get(kind), "every kind of fault is decided"), 1);
  }

  #decide(kind: FaultKind, decider: Decider, probability: number): boolean {
    decider.decisions += 1;
    // One draw for each decision, whatever comes of it: leaving a fault out shifts nothing.
    if (!decider.random.chance(probability)) return false;
    const name = `${kind}#${decider.decisions}`;
    if (this.#skip.has(name)) return false;
    this.counts[kind] += 1;
    this.injected.push(name);
    return true;
  }
}

function deciderOf(kind: FaultKind, { seed, faults }: RunOptions): Decider {
  return { random: stream(seed, `fault ${kind}`), probability: faults[kind], decisions: 0 };
}

function zeroes(): Record<FaultKind, number> {
  const counts: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS) counts[kind] = 0;
  // Every kind was just set.
  return counts as Record<FaultKind, number>;
}
