/** What happened, as a rolling hash (two runs of a seed must agree) and, when asked for, as text. */

const LINES_MAX = 400_000;

export class Trace {
  readonly #wanted: boolean;
  readonly lines: string[] = [];
  #high = 0x811c9dc5;
  #low = 0x1234567;

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** Whether a readable log is kept. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  /** Hex digest of everything noted so far. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, "0") + (this.#low >>> 0).toString(16).padStart(8, "0");
  }

  /** Notes one happening. `describe` is called only when a readable log was asked for. */
  note(now: number, what: string, values: readonly number[], describe: () => string): void {
    this.#mix(Math.round(now * 1000));
    for (let i = 0; i < what.length; i += 1) this.#mix(what.charCodeAt(i));
    for (const value of values) this.#mix(value);
    if (!this.#wanted) return;
    if (this.lines.length >= LINES_MAX) this.lines.shift();
    this.lines.push(`${now.toFixed(1).padStart(10)} ${what.padEnd(12)} ${describe()}`);
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low + (value | 0), 0x85ebca6b) ^ (this.#low >>> 13);
  }
}
