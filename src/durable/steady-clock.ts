/**
 * Time that never runs backwards. A wall clock that was ahead and is set back would otherwise leave
 * a replica with deadlines far in the future, deaf until the clock has caught up: here time simply
 * goes on from where it was.
 */
export class SteadyClock {
  readonly #wall: () => number;
  readonly #setBack: () => void;
  #offsetMs = 0;
  #last: number;

  /**
   * `wall`: milliseconds since the epoch, which may jump. `setBack` is told when it was seen to jump
   * back: how much time has passed since the last look nobody knows, and here it was none. A jump that
   * is smaller than that time looks like a shorter time and cannot be told from one.
   */
  constructor(wall: () => number, setBack: () => void = () => undefined) {
    this.#wall = wall;
    this.#setBack = setBack;
    this.#last = wall();
  }

  now(): number {
    const at = this.#wall() + this.#offsetMs;
    if (at < this.#last) this.#offsetMs += this.#last - at;
    if (at < this.#last) this.#setBack();
    this.#last = Math.max(this.#last, at);
    return this.#last;
  }

  /** The wall time at which `now` will reach `at`, for the alarm. */
  toWall(at: number): number {
    return at - this.#offsetMs;
  }
}
