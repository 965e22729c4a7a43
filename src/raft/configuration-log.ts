/**
 * The configurations in the log, newest in force. Effective at append: a truncated configuration
 * entry takes its configuration with it, and the one before is in force again.
 */
import { assert, defined } from "../base/assert.ts";
import type { Configuration, ConfigurationAt } from "./types.ts";

export class ConfigurationLog {
  /** Ascending by index; never empty. The first is at or below the applied index. */
  #history: ConfigurationAt[];

  constructor(history: readonly ConfigurationAt[]) {
    assert(history.length > 0, "a replica must know at least one configuration");
    this.#history = [...history];
  }

  get latest(): ConfigurationAt {
    return defined(this.#history.at(-1), "the configuration log is never empty");
  }

  get current(): Configuration {
    return this.latest.configuration;
  }

  append(index: number, configuration: Configuration): void {
    assert(index > this.latest.index, "configurations are appended in log order");
    this.#history.push({ index, configuration });
  }

  /** Forgets configurations at or above `index`; returns whether the one in force changed. */
  truncateFrom(index: number): boolean {
    const kept = this.#history.filter((at) => at.index < index);
    assert(kept.length > 0, "the oldest known configuration is committed and cannot be truncated");
    const changed = kept.length !== this.#history.length;
    this.#history = kept;
    return changed;
  }

  /** The configuration in force at `index`. Known from the applied index on. */
  at(index: number): ConfigurationAt {
    const found = this.#history.findLast((at) => at.index <= index);
    return defined(found, `no configuration is known at index ${index}`);
  }

  /** The configuration in force at `index` and every later one: with `index` committed, those that may still be decided. */
  from(index: number): readonly ConfigurationAt[] {
    const first = this.#history.findLastIndex((at) => at.index <= index);
    assert(first >= 0, `no configuration is known at index ${index}`);
    return this.#history.slice(first);
  }

  /** Drops what only indexes below `applied` would need. */
  applied(index: number): void {
    const keepFrom = this.#history.findLastIndex((at) => at.index <= index);
    if (keepFrom > 0) this.#history = this.#history.slice(keepFrom);
  }

  /** A snapshot's configuration replaces everything known before it; later ones of a kept log suffix stay. */
  reset(at: ConfigurationAt, keepAbove: number): void {
    this.#history = [at, ...this.#history.filter((old) => old.index > keepAbove)];
  }
}
