/**
 * When several go together, and how long the first of them waits for the others. Among those who come
 * back as soon as they are answered, whoever leaves at once leaves alone and makes the others wait for
 * his return. A lone client never waits.
 */

/** So many of those who waited together lately are company enough: of two, one; of many, most. */
const COMPANY_SHARE = 0.75;
/** Half the time that a round takes lately, at least this. */
const LINGER_MS_MIN = 2;
/**
 * With so many waiting lately they leave from a timer only. Answers bring back those clients first that
 * are quick to ask again, and a runtime that is busy with these does not look for others before it has
 * nothing else to do: a timer makes it look.
 */
const YIELD_CROWD_MIN = 4;
/** The weight of the newest round in the time that rounds take. */
const ROUND_WEIGHT = 0.2;
/** What the memory of earlier crowds loses with each departure. */
const CROWD_DECAY = 0.95;

export class Company {
  readonly #lingerMsMax: number;
  /** Clients that waited at the same time lately. */
  #crowd = 0;
  /** The next departure waits for a timer, be it one that is due at once. */
  #mustYield = false;
  /** Milliseconds from a departure to the return, lately. */
  #roundMs = 0;

  /** Nobody waits longer than `lingerMsMax` for others. */
  constructor(lingerMsMax: number) {
    this.#lingerMsMax = lingerMsMax;
  }

  /** So many wait now, those on their way included. */
  joined(waiting: number): void {
    this.#crowd = Math.max(this.#crowd, waiting);
  }

  /** Some have left. */
  departed(waiting: number): void {
    this.#crowd = Math.max(waiting, this.#crowd * CROWD_DECAY);
    this.#mustYield = this.#crowd >= YIELD_CROWD_MIN;
  }

  /** They are back after so long. */
  returned(roundMs: number): void {
    this.#roundMs += ROUND_WEIGHT * (roundMs - this.#roundMs);
  }

  /** A timer fired: whoever could be heard has been. */
  ticked(): void {
    this.#mustYield = false;
  }

  /** Whether those in the queue, the first of whom came at `since`, should leave now. */
  isDue(now: number, queued: number, since: number): boolean {
    return !this.#mustYield && now >= this.dueAt(queued, since);
  }

  /** When they leave, at the latest from a timer. */
  dueAt(queued: number, since: number): number {
    if (queued >= Math.floor(this.#crowd * COMPANY_SHARE)) return since;
    return since + Math.min(Math.max(LINGER_MS_MIN, this.#roundMs / 2), this.#lingerMsMax);
  }
}
