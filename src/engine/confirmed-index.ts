/** A question for a read index. */
export interface Inquiry {
  /** When it left, by this replica's own clock. */
  readonly askedAt: number;
  /** Which reading of the clock that was: others cannot be compared with it. */
  readonly era: number;
}

interface Confirmed {
  readonly askedAt: number;
  readonly index: number;
}

/**
 * How old the state of this replica may be: everything that was acknowledged to anybody before a read
 * index was asked for is among the entries up to it, whoever leads since. Only in memory: a replica that
 * has just started knows nothing. Log indexes never go back, not by a snapshot that is installed nor by
 * a backup that is restored, so what was true stays true; only the time since then may be mistaken.
 */
export class ConfirmedIndex {
  #era = 0;
  /** One that was not applied yet when it came: it stays until it is, whatever comes meanwhile. */
  #awaited: Confirmed | null = null;
  /** The newest that came after it. */
  #newest: Confirmed | null = null;
  /** When the newest one was asked for that was seen to be applied. */
  #coveredAt = Number.NEGATIVE_INFINITY;

  ask(now: number): Inquiry {
    return { askedAt: now, era: this.#era };
  }

  /** The answer, which may come in any order with others, and however late. `applied` is this replica's. */
  confirm({ askedAt, era }: Inquiry, index: number, applied: number): void {
    if (era !== this.#era) return;
    this.#cover(applied);
    if (index <= applied) this.#coveredAt = Math.max(this.#coveredAt, askedAt);
    else if (this.#awaited === null) this.#awaited = { askedAt, index };
    else if (askedAt > (this.#newest ?? this.#awaited).askedAt) this.#newest = { askedAt, index };
  }

  /** Whether everything that was acknowledged more than `staleMs` before `now` is applied, with entries up to `applied`. */
  covers(now: number, staleMs: number, applied: number): boolean {
    this.#cover(applied);
    return this.#coveredAt >= now - staleMs;
  }

  /** The clock was set back: nobody knows how long ago anything was, answers yet to come included. */
  forget(): void {
    this.#era += 1;
    this.#awaited = null;
    this.#newest = null;
    this.#coveredAt = Number.NEGATIVE_INFINITY;
  }

  #cover(applied: number): void {
    while (this.#awaited !== null && this.#awaited.index <= applied) {
      this.#coveredAt = Math.max(this.#coveredAt, this.#awaited.askedAt);
      this.#awaited = this.#newest;
      this.#newest = null;
    }
  }
}
