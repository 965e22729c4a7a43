/** A question for a read index. */
export interface Inquiry {
  /** When it left, by this replica's own clock. */
  readonly askedAt: number;
  /** Which reading of the clock that was: others cannot be compared with it. */
  readonly era: number;
}

/**
 * How old the state of this replica may be: everything that was acknowledged to anybody before a read
 * index was asked for is among the entries up to it, whoever leads since. Only in memory: a replica that
 * has just started knows nothing. Log indexes never go back, not by a snapshot that is installed nor by
 * a backup that is restored, so what was true stays true; only the time since then may be mistaken.
 */
export class ConfirmedIndex {
  #era = 0;
  #newest: { readonly askedAt: number; readonly index: number } | null = null;
  /** When the newest one was asked for that was seen to be applied. */
  #coveredAt = Number.NEGATIVE_INFINITY;

  ask(now: number): Inquiry {
    return { askedAt: now, era: this.#era };
  }

  /** The answer, which may come in any order with others, and however late. `applied` is this replica's. */
  confirm({ askedAt, era }: Inquiry, index: number, applied: number): void {
    if (era !== this.#era) return;
    this.#cover(applied);
    if (this.#newest === null || askedAt > this.#newest.askedAt) this.#newest = { askedAt, index };
  }

  /** Whether everything that was acknowledged more than `staleMs` before `now` is applied, with entries up to `applied`. */
  covers(now: number, staleMs: number, applied: number): boolean {
    this.#cover(applied);
    return this.#coveredAt >= now - staleMs;
  }

  /** The clock was set back: nobody knows how long ago anything was, answers yet to come included. */
  forget(): void {
    this.#era += 1;
    this.#newest = null;
    this.#coveredAt = Number.NEGATIVE_INFINITY;
  }

  #cover(applied: number): void {
    if (this.#newest === null || this.#newest.index > applied) return;
    this.#coveredAt = Math.max(this.#coveredAt, this.#newest.askedAt);
    this.#newest = null;
  }
}
