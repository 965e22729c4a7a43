/** Which endpoints can reach each other now, and how long it takes. Endpoint numbers: objects, then gateways. */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { RunOptions } from "../options.ts";
import type { Site } from "../platform/site.ts";
import { heavyTailed, stream } from "../world/streams.ts";

export class Links {
  readonly #options: RunOptions;
  readonly #faults: FaultPlan;
  readonly #site: Site | null;
  readonly #random;
  /** By `from * 64 + to`: how many cuts a link suffers from. */
  readonly #cuts = new Map<number, number>();
  /** Calls to this endpoint arrive no earlier. */
  readonly #cloggedUntil = new Map<number, number>();

  constructor(options: RunOptions, faults: FaultPlan, site: Site | null) {
    this.#options = options;
    this.#faults = faults;
    this.#site = site;
    this.#random = stream(options.seed, "latency");
  }

  /** Returns what mends this cut, and no other one of the same link. */
  cut(from: number, to: number): () => void {
    const link = from * 64 + to;
    this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1);
    let isCut = true;
    return () => {
      const cuts = this.#cuts.get(link);
      if (!isCut || cuts === undefined) return;
      isCut = false;
      if (cuts > 1) this.#cuts.set(link, cuts - 1);
      else this.#cuts.delete(link);
    };
  }

  /** Everything is mended. */
  mend(): void {
    this.#cuts.clear();
    this.#cloggedUntil.clear();
  }

  clog(endpoint: number, untilMs: number): void {
    this.#cloggedUntil.set(endpoint, untilMs);
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts.has(from * 64 + to);
  }

  /** How long one way takes for something sent at `now`. */
  delay(now: number, from: number, to: number): number {
    if (this.#site !== null) return this.#site.wayMs(now, from, to);
    const { latencyMs, tailMs } = this.#options;
    const healed = this.#faults.healed;
    let delayMs = healed ? latencyMs : heavyTailed(this.#random, latencyMs, tailMs);
    if (this.#faults.happens("reorder")) delayMs += this.#random.fraction() * 8 * latencyMs;
    if (this.#faults.happens("late")) delayMs += this.#random.fraction() * 4 * this.#options.electionMs;
    const clogged = this.#cloggedUntil.get(to) ?? 0;
    return now + delayMs < clogged ? clogged - now + this.#random.fraction() : delayMs;
  }
}
