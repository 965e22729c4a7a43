/** Which endpoints can reach each other now, and how long it takes. Endpoint numbers: objects, then gateways. */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { RunOptions } from "../options.ts";
import { heavyTailed, stream } from "../world/streams.ts";

export class Links {
  readonly #options: RunOptions;
  readonly #faults: FaultPlan;
  readonly #random;
  /** `from * 64 + to` of the links that are cut. */
  readonly #cut = new Set<number>();
  /** Calls to this endpoint arrive no earlier. */
  readonly #cloggedUntil = new Map<number, number>();

  constructor(options: RunOptions, faults: FaultPlan) {
    this.#options = options;
    this.#faults = faults;
    this.#random = stream(options.seed, "latency");
  }

  cut(from: number, to: number): void {
    this.#cut.add(from * 64 + to);
  }

  mend(): void {
    this.#cut.clear();
    this.#cloggedUntil.clear();
  }

  clog(endpoint: number, untilMs: number): void {
    this.#cloggedUntil.set(endpoint, untilMs);
  }

  isCut(from: number, to: number): boolean {
    return this.#cut.has(from * 64 + to);
  }

  /** How long one way takes for something sent at `now`. */
  delay(now: number, to: number): number {
    const { latencyMs, tailMs } = this.#options;
    const healed = this.#faults.healed;
    let delayMs = healed ? latencyMs : heavyTailed(this.#random, latencyMs, tailMs);
    if (this.#faults.happens("reorder")) delayMs += this.#random.fraction() * 8 * latencyMs;
    if (this.#faults.happens("late")) delayMs += this.#random.fraction() * 4 * this.#options.electionMs;
    const clogged = this.#cloggedUntil.get(to) ?? 0;
    return now + delayMs < clogged ? clogged - now + this.#random.fraction() : delayMs;
  }
}
