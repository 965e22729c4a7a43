/**
 * The calls and returns of a history in the order of time, as the doubly linked list that the
 * Wing-Gong search walks: placing an operation lifts its two nodes out, going back puts them in again.
 */

export interface TimedOp {
  readonly call: number;
  /** null: never returned, so it may take effect at any time after its call, or never. */
  readonly return: number | null;
}

/** Node 0 is the head; operation i has its call at 1 + 2i and its return at 2 + 2i. */
export const HEAD = 0;

export class Timeline<Op extends TimedOp> {
  /** Operations that returned, in the order of their calls. */
  readonly returned: readonly Op[];
  /** Operations that never returned, in the order of their calls. Not in the list. */
  readonly open: readonly Op[];
  /** Rank in time of the call of each open operation, comparable with `rank`. */
  readonly openRanks: readonly number[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #ranks: Int32Array;

  constructor(ops: readonly Op[]) {
    const byCall = [...ops].sort((a, b) => a.call - b.call);
    this.returned = byCall.filter((op) => op.return !== null);
    this.open = byCall.filter((op) => op.return === null);
    const nodes = 1 + 2 * this.returned.length;
    this.#next = new Int32Array(nodes).fill(-1);
    this.#previous = new Int32Array(nodes).fill(-1);
    this.#ranks = new Int32Array(nodes);
    this.openRanks = this.#link();
  }

  /** The node after `node`; -1 at the end. */
  next(node: number): number {
    return this.#next[node] ?? -1;
  }

  isCall(node: number): boolean {
    return (node & 1) === 1;
  }

  /** The number in `returned` of the operation that `node` belongs to. */
  opOf(node: number): number {
    return (node - 1) >> 1;
  }

  callNode(op: number): number {
    return 1 + 2 * op;
  }

  /** Place in time of a node. Calls come before returns of the same moment: those are concurrent. */
  rank(node: number): number {
    return this.#ranks[node] ?? 0;
  }

  lift(op: number): void {
    this.#unlink(1 + 2 * op);
    this.#unlink(2 + 2 * op);
  }

  /** Undoes the latest `lift` not yet undone, which must have been of `op`. */
  unlift(op: number): void {
    this.#relink(2 + 2 * op);
    this.#relink(1 + 2 * op);
  }

  #link(): number[] {
    type Event = { readonly at: number; readonly node: number; readonly open: boolean };
    const events: Event[] = [];
    this.returned.forEach((op, index) => {
      events.push({ at: op.call, node: 1 + 2 * index, open: false });
      events.push({ at: Math.max(op.call, op.return ?? op.call), node: 2 + 2 * index, open: false });
    });
    this.open.forEach((op, index) => {
      events.push({ at: op.call, node: 1 + 2 * index, open: true });
    });
    const isReturn = (event: Event): number => (!event.open && !this.isCall(event.node) ? 1 : 0);
    events.sort((a, b) => a.at - b.at || isReturn(a) - isReturn(b));
    const openRanks: number[] = [];
    let last = HEAD;
    events.forEach((event, rank) => {
      if (event.open) {
        openRanks.push(rank);
        return;
      }
      this.#ranks[event.node] = rank;
      this.#next[last] = event.node;
      this.#previous[event.node] = last;
      last = event.node;
    });
    return openRanks;
  }

  #unlink(node: number): void {
    const before = this.#previous[node] ?? HEAD;
    const after = this.#next[node] ?? -1;
    this.#next[before] = after;
    if (after >= 0) this.#previous[after] = before;
  }

  #relink(node: number): void {
    const before = this.#previous[node] ?? HEAD;
    const after = this.#next[node] ?? -1;
    this.#next[before] = node;
    if (after >= 0) this.#previous[after] = node;
  }
}
