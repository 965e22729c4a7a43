import { LIMITS } from "../base/limits.ts";
import type { VersionOrder } from "./range-options.ts";
import { type Version, versionBytes } from "./version.ts";

/**
 * The first `limit` of a stream of versions by some order, equal ones as they came. Holds about twice
 * the limit at most, and never more bytes than an answer may have.
 */
export class TopVersions {
  readonly #order: VersionOrder;
  readonly #limit: number;
  #held: Version[] = [];
  #bytes = 0;
  /** How many were added, whether they are still held or not. */
  added = 0;

  constructor(order: VersionOrder, limit: number) {
    this.#order = order;
    this.#limit = limit;
  }

  /** False if what has to be held is too large for an answer. */
  add(version: Version): boolean {
    this.added += 1;
    this.#held.push(version);
    this.#bytes += versionBytes(version);
    if (this.#held.length >= 2 * this.#limit + 64 || this.#bytes > LIMITS.answerBytesMax) this.#cut();
    return this.#bytes <= LIMITS.answerBytesMax;
  }

  /** The winners in order. */
  take(): readonly Version[] {
    this.#cut();
    return this.#held;
  }

  #cut(): void {
    this.#held.sort(this.#order);
    if (this.#held.length <= this.#limit) return;
    this.#held = this.#held.slice(0, this.#limit);
    this.#bytes = this.#held.reduce((bytes, version) => bytes + versionBytes(version), 0);
  }
}
