/**
 * What is broken at the moment, for all replicas of one Worker: they share an isolate, so the tests
 * set it once through the control endpoint, and it outlives the memory of every object.
 */

/** As the tests send it. Names are members' names. */
export interface FaultRules {
  /** Nothing that `from` sends reaches `to`: neither its calls nor its answers to the other's calls. */
  readonly cuts: readonly { readonly from: string; readonly to: string }[];
  /** Dead members: their objects answer nobody, do nothing and have lost their memory. */
  readonly down: readonly string[];
}

export class Faults {
  #cuts: ReadonlySet<string> = new Set();
  #down: ReadonlySet<string> = new Set();

  apply({ cuts, down }: FaultRules): void {
    this.#cuts = new Set(cuts.map(({ from, to }) => `${from} ${to}`));
    this.#down = new Set(down);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from} ${to}`);
  }

  isDown(member: string): boolean {
    return this.#down.has(member);
  }
}
