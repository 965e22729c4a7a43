/**
 * Is there an order of these operations that the model accepts and that respects real time? The search
 * of Wing and Gong with Lowe's memory of configurations already tried, over a linked list of calls and
 * returns (the form porcupine made known), with two additions for operations of unknown outcome:
 * - they never have to be placed, and are tried only when nothing that returned can be placed;
 * - a configuration is not tried again when one with the same operations done, the same state and fewer
 *   unknown ones used up has failed: what is still unused can only help.
 */
import { DoneSet } from "./done-set.ts";
import type { Model } from "./model.ts";
import { HEAD, type TimedOp, Timeline } from "./timeline.ts";

export interface CheckBudget {
  /** Configurations looked at before the answer is "undecided". */
  readonly stepsMax: number;
  /** Asked now and then; true ends the search with "undecided". */
  readonly isOverdue: () => boolean;
}

/** Enough for any history a chaos run makes, and bounded: a few seconds, a few hundred MB. */
export const DEFAULT_BUDGET: CheckBudget = { stepsMax: 3_000_000, isOverdue: () => false };

/**
 * Why no order exists. The prefix of the history that ends with the return of `blocked` has none, and
 * every shorter prefix has one. `placed` is the end of an order that came this far; `state` is where it
 * led, `pending` are the other operations that were under way and could not help.
 */
export interface Evidence<Op> {
  readonly blocked: Op;
  readonly placed: readonly Op[];
  readonly state: string;
  readonly pending: readonly Op[];
}

export type Verdict<Op> =
  | { readonly kind: "ok"; readonly steps: number }
  | { readonly kind: "violation"; readonly steps: number; readonly evidence: Evidence<Op> }
  | { readonly kind: "undecided"; readonly steps: number };

export function checkLinearizable<State, Op extends TimedOp>(
  model: Model<State, Op>,
  ops: readonly Op[],
  budget: CheckBudget = DEFAULT_BUDGET,
): Verdict<Op> {
  return new Search(model, ops, budget).run();
}

/** Operations shown of the order that came furthest. */
const EVIDENCE_PLACED = 12;
const OVERDUE_EVERY_STEPS = 2_048;

type Frame<State> = {
  readonly state: State;
  /** The call node placed, or the return node at which open operation `open` was placed. */
  readonly node: number;
  /** Number in `timeline.open`, or -1 for an operation that returned. */
  readonly open: number;
  /** Placing it took nothing away from the others, so no other choice is worth a try. */
  readonly forced: boolean;
};

class Search<State, Op extends TimedOp> {
  readonly #model: Model<State, Op>;
  readonly #budget: CheckBudget;
  readonly #timeline: Timeline<Op>;
  readonly #done: DoneSet;
  /** Bit i: open operation i is used up. */
  #used = 0n;
  #state: State;
  #left: number;
  readonly #stack: Frame<State>[] = [];
  readonly #tried = new Map<string, bigint[]>();
  #evidence: Evidence<Op> | null = null;
  #evidenceRank = -1;

  constructor(model: Model<State, Op>, ops: readonly Op[], budget: CheckBudget) {
    this.#model = model;
    this.#budget = budget;
    this.#timeline = new Timeline(ops);
    this.#done = new DoneSet(this.#timeline.returned.length);
    this.#state = model.init;
    this.#left = this.#timeline.returned.length;
  }

  run(): Verdict<Op> {
    let node = this.#timeline.next(HEAD);
    let open = 0;
    let steps = 0;
    while (this.#left > 0) {
      steps += 1;
      if (steps > this.#budget.stepsMax) return { kind: "undecided", steps };
      if (steps % OVERDUE_EVERY_STEPS === 0 && this.#budget.isOverdue()) return { kind: "undecided", steps };
      if (this.#timeline.isCall(node)) {
        node = this.#placeReturned(node) ? this.#timeline.next(HEAD) : this.#timeline.next(node);
        open = 0;
      } else if (open < this.#timeline.open.length && this.#isUnderWay(open, node)) {
        const placed = this.#placeOpen(open, node);
        if (placed) node = this.#timeline.next(HEAD);
        open = placed ? 0 : open + 1;
      } else {
        this.#noteBlocked(node);
        const frame = this.#back();
        if (frame === null) return this.#violation(steps);
        node = frame.open < 0 ? this.#timeline.next(frame.node) : frame.node;
        open = frame.open < 0 ? 0 : frame.open + 1;
      }
    }
    return { kind: "ok", steps };
  }

  /** Open operation `open` was called before the return `node`. */
  #isUnderWay(open: number, node: number): boolean {
    return (this.#timeline.openRanks[open] ?? 0) < this.#timeline.rank(node);
  }

  #placeReturned(node: number): boolean {
    const number = this.#timeline.opOf(node);
    const op = this.#timeline.returned[number];
    if (op === undefined) return false;
    const step = this.#model.step(this.#state, op);
    if (!step.ok) return false;
    const hash = this.#model.hash(step.state);
    this.#done.add(number);
    if (this.#wasTried(hash, this.#used)) {
      this.#done.remove(number);
      return false;
    }
    const forced = this.#model.readOnly(op) && hash === this.#model.hash(this.#state);
    this.#stack.push({ state: this.#state, node, open: -1, forced });
    this.#timeline.lift(number);
    this.#state = step.state;
    this.#left -= 1;
    return true;
  }

  #placeOpen(open: number, node: number): boolean {
    const bit = 1n << BigInt(open);
    const op = this.#timeline.open[open];
    if (op === undefined || (this.#used & bit) !== 0n) return false;
    const step = this.#model.step(this.#state, op);
    if (!step.ok || this.#wasTried(this.#model.hash(step.state), this.#used | bit)) return false;
    this.#stack.push({ state: this.#state, node, open, forced: false });
    this.#used |= bit;
    this.#state = step.state;
    return true;
  }

  /** Remembers the configuration unless one that can do at least as much is known already. */
  #wasTried(hash: string, used: bigint): boolean {
    const key = this.#done.signature() + hash;
    const known = this.#tried.get(key);
    if (known === undefined) {
      this.#tried.set(key, [used]);
      return false;
    }
    if (known.some((fewer) => (fewer & used) === fewer)) return true;
    known.push(used);
    return false;
  }

  /** Takes back placements up to the latest one that had an alternative; null when none had. */
  #back(): Frame<State> | null {
    for (;;) {
      const frame = this.#stack.pop();
      if (frame === undefined) return null;
      this.#state = frame.state;
      if (frame.open >= 0) {
        this.#used &= ~(1n << BigInt(frame.open));
      } else {
        const number = this.#timeline.opOf(frame.node);
        this.#timeline.unlift(number);
        this.#done.remove(number);
        this.#left += 1;
      }
      if (!frame.forced) return frame;
    }
  }

  #noteBlocked(node: number): void {
    const rank = this.#timeline.rank(node);
    const blocked = this.#timeline.returned[this.#timeline.opOf(node)];
    if (rank <= this.#evidenceRank || blocked === undefined) return;
    this.#evidenceRank = rank;
    const placed: Op[] = [];
    for (const frame of this.#stack.slice(-EVIDENCE_PLACED)) {
      const op =
        frame.open < 0
          ? this.#timeline.returned[this.#timeline.opOf(frame.node)]
          : this.#timeline.open[frame.open];
      if (op !== undefined) placed.push(op);
    }
    const pending: Op[] = [];
    for (let at = this.#timeline.next(HEAD); at !== node && at >= 0; at = this.#timeline.next(at)) {
      const op = this.#timeline.returned[this.#timeline.opOf(at)];
      if (op !== undefined && op !== blocked) pending.push(op);
    }
    this.#timeline.open.forEach((op, open) => {
      if (this.#isUnderWay(open, node) && (this.#used & (1n << BigInt(open))) === 0n) pending.push(op);
    });
    this.#evidence = { blocked, placed, state: this.#model.hash(this.#state), pending };
  }

  #violation(steps: number): Verdict<Op> {
    if (this.#evidence === null) return { kind: "undecided", steps };
    return { kind: "violation", steps, evidence: this.#evidence };
  }
}
