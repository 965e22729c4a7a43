/** An object's wall clock: off by a skew, running at its own pace, and jumping now and then. */

export class NodeClock {
  readonly #world: { readonly now: number };
  #offsetMs: number;
  readonly rate: number;

  /** Wall clocks do not begin at zero. `rate` is 1 for a perfect clock. */
  constructor(world: { readonly now: number }, skewMs: number, rate: number) {
    this.#world = world;
    this.#offsetMs = 1_000_000 + skewMs;
    this.rate = rate;
  }

  now(): number {
    return Math.floor(this.#world.now * this.rate + this.#offsetMs);
  }

  /** All that it is off by, jumps included. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  /** How long, in true time, until this clock shows `atMs`; 0 if it already does. */
  until(atMs: number): number {
    return Math.max(0, (atMs - this.#offsetMs) / this.rate - this.#world.now);
  }
}
