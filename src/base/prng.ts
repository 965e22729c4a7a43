/**
 * The only randomness of the pure layers: a seeded 32-bit generator (mulberry32's mixing step).
 * Equal seeds give equal sequences on every machine, so a run can be replayed.
 */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next 32 random bits as an unsigned integer. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number in [0, bound). `bound` must be positive. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** True with the given probability (0 never, 1 always). */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One element of a non-empty list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
