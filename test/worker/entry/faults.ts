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
  /** Members whose clocks stand still, as of a process that was paused and has not noticed yet. */
  readonly frozen?: readonly string[];
  /** Every call is late by up to so much, so that calls overtake each other, and some arrive twice. */
  readonly delayMsMax?: number;
}

const DUPLICATED = 0.2;

export class Faults {
  #cuts: ReadonlySet<string> = new Set();
  #down: ReadonlySet<string> = new Set();
  #frozenAtMs: ReadonlyMap<string, number> = new Map();

  #delayMsMax = 0;

  apply({ cuts, down, frozen = [], delayMsMax = 0 }: FaultRules, nowMs: number): void {
    this.#cuts = new Set(cuts.map(({ from, to }) => `${from} ${to}`));
    this.#down = new Set(down);
    this.#delayMsMax = delayMsMax;
    this.#frozenAtMs = new Map(frozen.map((member) => [member, this.#frozenAtMs.get(member) ?? nowMs]));
  }

  /** Calls between members so far. */
  calls = 0;

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from} ${to}`);
  }

  isDown(member: string): boolean {
    return this.#down.has(member);
  }

  /** How late a call's copies shall arrive; one copy and no delay while the network is fine. */
  delaysMs(): readonly number[] {
    if (this.#delayMsMax === 0) return [0];
    const copies = Math.random() < DUPLICATED ? 2 : 1;
    return Array.from({ length: copies }, () => Math.random() * this.#delayMsMax);
  }

  /** What the member takes for the time when it is `nowMs`. */
  clockMs(member: string, nowMs: number): number {
    return this.#frozenAtMs.get(member) ?? nowMs;
  }
}
