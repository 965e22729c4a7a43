/**
 * One instance looking at its object's clock: what it can know of the time that has passed. A clock that
 * is set back by more than that time shows it; by less, it looks as if less time had passed.
 */
import type { NodeClock } from "./node-clock.ts";

interface Hidden {
  /** True time of the look before which the clock was set back. */
  readonly atMs: number;
  readonly byMs: number;
}

export class ClockLooks {
  readonly #world: { readonly now: number };
  readonly #clock: NodeClock;
  #shown = Number.NEGATIVE_INFINITY;
  #offsetMs: number;
  #hidden: Hidden[] = [];
  /** True time at which the instance last saw that its clock was set back. */
  setBackSeenAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: { readonly now: number }, clock: NodeClock) {
    this.#world = world;
    this.#clock = clock;
    this.#offsetMs = clock.offsetMs;
  }

  now(): number {
    const shown = this.#clock.now();
    const byMs = this.#offsetMs - this.#clock.offsetMs;
    const atMs = this.#world.now;
    if (shown < this.#shown) this.setBackSeenAtMs = atMs;
    else if (byMs > 0) this.#hidden.push({ atMs, byMs });
    this.#shown = shown;
    this.#offsetMs = this.#clock.offsetMs;
    return shown;
  }

  /** The true time before which everything was longer ago than `ms`, however the clock is read. */
  longAgo(ms: number): number {
    // Whole milliseconds are shown: two looks may be nearly one further apart than they show.
    let lastedMs = (ms + 1) / this.#clock.rate;
    for (const { atMs, byMs } of this.#hidden.toReversed()) {
      if (atMs < this.#world.now - lastedMs - byMs / this.#clock.rate) break;
      lastedMs += byMs / this.#clock.rate;
    }
    return this.#world.now - lastedMs;
  }
}
