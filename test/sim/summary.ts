/** What many runs came to. */
import { FAULT_KINDS, type FaultKind } from "./options.ts";
import { nowhere, PLACES } from "./reached.ts";
import type { RunResult } from "./run-seed.ts";

export class Summary {
  seeds = 0;
  failures = 0;
  virtualMs = 0;
  steps = 0;
  operations = 0;
  unknown = 0;
  readonly reached = nowhere();
  readonly #faults = new Map<FaultKind, number>();

  add({ failure, virtualMs, steps, faults, begun, operations, reached }: RunResult): void {
    for (const place of PLACES) this.reached[place] += reached[place];
    this.seeds += 1;
    if (failure !== null) this.failures += 1;
    this.virtualMs += virtualMs;
    this.steps += steps;
    this.operations += begun;
    this.unknown += operations.unknown;
    for (const kind of FAULT_KINDS) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + faults[kind]);
  }

  /** One line. `cpuSeconds`: processor time spent, which other load on the machine does not change. */
  line(wallSeconds: number, cpuSeconds: number): string {
    const faults = [...this.#faults].filter(([, count]) => count > 0);
    const total = faults.reduce((sum, [, count]) => sum + count, 0);
    const byClass = faults.map(([kind, count]) => `${kind} ${count}`).join(", ");
    return [
      `${this.seeds} seeds, ${this.failures} violations`,
      `${(this.virtualMs / 3_600_000).toFixed(2)} virtual hours, ${this.steps} events`,
      `${total} faults (${byClass})`,
      `${this.operations} operations, ${this.unknown} with unknown outcome`,
      `reached ${PLACES.map((place) => `${place} ${this.reached[place]}`).join(", ")}`,
      `${(this.seeds / wallSeconds).toFixed(1)} seeds/s (${(this.seeds / cpuSeconds).toFixed(1)} per core)`,
    ].join("; ");
  }
}
