/**
 * While a majority is connected and undisturbed, something is committed within a bounded time, a
 * leader that a majority hears stays, and terms do not rise (thesis 6.2, 9.6; Cloudflare's outage of
 * November 2020). Judged in runs of mild misfortunes only.
 */
import { violated } from "../../raft/invariants/violation.ts";
import type { Cluster } from "../cluster.ts";
import type { Mild, RunOptions } from "../options.ts";

/** Terms that replacing a leader may take: votes may be split. */
const REPLACEMENT_TERMS_MAX = 6;

export class Availability {
  readonly #cluster: Cluster;
  readonly #mild: Mild;
  readonly #termMax: number;
  readonly #serviceMs: number;
  #commit: number;
  #committedAt: number;

  constructor(cluster: Cluster, options: RunOptions, mild: Mild, now: number) {
    this.#cluster = cluster;
    this.#mild = mild;
    this.#termMax = this.#term + (mild === "deaf-leader" ? REPLACEMENT_TERMS_MAX : 0);
    // A leader is missed and replaced, clients lose patience with the old one, and rest in between.
    const patienceMs = 2 * options.attempts * options.attemptMs;
    this.#serviceMs = 6 * options.electionMs + 2 * patienceMs + 12 * options.thinkMs;
    this.#commit = cluster.checker.history.committedMax;
    this.#committedAt = now;
  }

  check(now: number): void {
    const { committedMax } = this.#cluster.checker.history;
    if (committedMax > this.#commit) {
      this.#commit = committedMax;
      this.#committedAt = now;
    }
    const silentMs = now - this.#committedAt;
    if (silentMs > this.#serviceMs) {
      violated("availability", `${this.#mild}: nothing was committed for ${silentMs.toFixed(0)} ms`);
    }
    if (this.#term > this.#termMax) {
      violated("stable-leader", `${this.#mild}: term ${this.#term}, though ${this.#termMax} had to do`);
    }
  }

  get #term(): number {
    return Math.max(...this.#cluster.objects.map(({ disk }) => disk.mirror.term));
  }
}
