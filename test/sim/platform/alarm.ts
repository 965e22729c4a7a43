/**
 * The platform's alarm of one object: one time, kept with the database, fired at least once, early
 * or late. A handler that does not complete is run again, with growing pauses; after six failures
 * the alarm is dropped for good.
 */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { Planned } from "../world/event-heap.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { NodeClock } from "./node-clock.ts";

const RETRIES_MAX = 6;
const RETRY_MS = 2_000;
const LATE_MS_MAX = 90_000;
const SOON_MS = 1_000;

export interface AlarmParts {
  readonly world: World;
  readonly clock: NodeClock;
  readonly faults: FaultPlan;
  readonly seed: number;
  readonly object: number;
  /** Longest usual lateness. */
  readonly lateMs: number;
  /** Runs the handler as an event; calls `settled` with whether what it wrote is durable. */
  readonly fire: (settled: (completed: boolean) => void) => void;
}

export class Alarm {
  readonly #parts: AlarmParts;
  readonly #random;
  /** As the newest transaction that set it; null: not set. */
  #atMs: number | null = null;
  /** The transaction that set it is not durable yet. */
  #isUnsure = false;
  #planned: Planned | null = null;
  #failures = 0;
  dropped = 0;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
    this.#random = stream(parts.seed, "alarm", parts.object);
  }

  /** When it fires next, by the object's clock; null: not at all. */
  get atMs(): number | null {
    return this.#atMs;
  }

  /** An alarm that is late fires now; so does one whose clock was set back, which may be minutes away. */
  heal(): void {
    if (this.#planned === null || this.#atMs === null) return;
    this.#plan(Math.min(this.#parts.clock.until(this.#atMs), SOON_MS));
  }

  /** A transaction that sets the alarm was written: an earlier time counts at once. */
  written(atMs: number): void {
    if (this.#atMs !== null && atMs >= this.#atMs) return;
    this.#set(atMs);
    this.#isUnsure = true;
  }

  /** That transaction is durable. Null: it deleted the alarm. */
  durable(atMs: number | null): void {
    if (atMs === null) this.#clear();
    else if (atMs !== this.#atMs) this.#set(atMs);
    this.#isUnsure = false;
  }

  #clear(): void {
    this.#atMs = null;
    if (this.#planned !== null) this.#planned.cancelled = true;
    this.#planned = null;
  }

  #set(atMs: number): void {
    const { clock, faults } = this.#parts;
    this.#atMs = atMs;
    this.#failures = 0;
    let delayMs = clock.until(atMs) + this.#random.fraction() * this.#parts.lateMs;
    if (faults.happens("alarm-late")) delayMs += this.#random.fraction() ** 4 * LATE_MS_MAX;
    if (faults.happens("alarm-early")) delayMs *= this.#random.fraction();
    this.#plan(delayMs);
  }

  #plan(delayMs: number): void {
    if (this.#planned !== null) this.#planned.cancelled = true;
    this.#planned = this.#parts.world.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    const { world, faults, fire } = this.#parts;
    this.#planned = null;
    const firedFor = this.#atMs;
    this.#atMs = null;
    if (faults.happens("alarm-twice"))
      world.after(this.#random.fraction() * 100, () => fire(() => undefined));
    fire((completed) => this.#settled(firedFor, completed));
  }

  #settled(firedFor: number | null, completed: boolean): void {
    if (completed || firedFor === null) return;
    // What the handler set vanished with it.
    if (this.#atMs !== null && !this.#isUnsure) return;
    this.#isUnsure = false;
    this.#failures += 1;
    if (this.#failures > RETRIES_MAX || this.#parts.faults.happens("alarm-dropped")) {
      this.dropped += 1;
      this.#atMs = null;
      if (this.#planned !== null) this.#planned.cancelled = true;
      return;
    }
    this.#atMs = firedFor;
    this.#plan(RETRY_MS * 2 ** (this.#failures - 1));
  }
}
