import { defined } from "../base/assert.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Distances } from "./distances.ts";
import type { Clock, Entropy } from "./ports.ts";

const FIRST_PAUSE_MS = 25;
const PAUSE_MS_MAX = 1_000;
/** With less time left an attempt could only time out. */
const ATTEMPT_MS_MIN = 5;
/** Share of the choices that are left to chance, so that a member which is nearer now is found. */
const LOOK_AROUND = 1 / 128;

export interface PlanOptions {
  /** Asked anew for each attempt: members may change meanwhile. */
  readonly members: () => readonly string[];
  /** Ask only this member. */
  readonly pin: string | null;
  /** Ask this member first, and that one last, while there is a choice. */
  readonly prefer?: string | null;
  readonly avoid?: string | null;
  /** Ask the leader first. */
  readonly leaderFirst: boolean;
  /** How near the members are, for what is asked; null where that does not matter. */
  readonly distances?: Distances | null;
  /** For all attempts and pauses together. */
  readonly budgetMs: number;
  /** For one attempt. */
  readonly attemptMs: number;
}

/**
 * Whom one request asks, in which order and until when. Every member is asked once a round; between
 * rounds there is a pause that grows, with jitter so that many gateways do not return in step.
 */
export class RoutePlan {
  readonly #options: PlanOptions;
  readonly #view: ClusterView;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #endsAtMs: number;
  readonly #asked = new Set<string>();
  #rounds = 0;

  constructor(options: PlanOptions, view: ClusterView, clock: Clock, entropy: Entropy) {
    this.#options = options;
    this.#view = view;
    this.#clock = clock;
    this.#entropy = entropy;
    this.#endsAtMs = clock.nowMs() + options.budgetMs;
  }

  /** Time for the next attempt; 0 when the budget is used up. */
  attemptMs(): number {
    const leftMs = this.#endsAtMs - this.#clock.nowMs();
    return leftMs < ATTEMPT_MS_MIN ? 0 : Math.min(leftMs, this.#options.attemptMs);
  }

  /** The member to ask next, after a pause where one is due; null when the budget is used up. */
  async next(): Promise<string | null> {
    if (this.attemptMs() === 0) return null;
    const candidates = this.#candidates().filter((member) => !this.#asked.has(member));
    if (candidates.length === 0) {
      this.#asked.clear();
      await this.pause();
      return this.next();
    }
    const chosen = this.#choose(candidates);
    this.#asked.add(chosen);
    return chosen;
  }

  /** Waits before asking again. */
  async pause(): Promise<void> {
    const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#rounds, PAUSE_MS_MAX);
    this.#rounds += 1;
    const jitteredMs = fullMs * (0.5 + this.#entropy.fraction() / 2);
    await this.#clock.sleep(Math.max(0, Math.min(jitteredMs, this.#endsAtMs - this.#clock.nowMs())));
  }

  /** Lets `member` be asked a second time in this round. */
  again(member: string): void {
    this.#asked.delete(member);
  }

  #candidates(): readonly string[] {
    return this.#options.pin === null ? this.#options.members() : [this.#options.pin];
  }

  /**
   * The leader or another one where wanted, else the nearest; among those that are equally near one at random.
   */
  #choose(candidates: readonly string[]): string {
    const { leader } = this.#view;
    if (this.#options.leaderFirst && leader !== null && candidates.includes(leader)) return leader;
    const { prefer, avoid } = this.#options;
    if (prefer !== undefined && prefer !== null && candidates.includes(prefer)) return prefer;
    const nowMs = this.#clock.nowMs();
    const sound = candidates.filter((member) => member !== avoid && !this.#view.isSuspect(member, nowMs));
    const able = sound.length > 0 ? sound : candidates;
    const { distances = null } = this.#options;
    const drawn = this.#entropy.fraction();
    const looksAround = drawn < LOOK_AROUND;
    const pool = distances === null || looksAround ? able : distances.nearest(able);
    const place = looksAround ? drawn / LOOK_AROUND : (drawn - LOOK_AROUND) / (1 - LOOK_AROUND);
    return defined(pool[Math.floor(place * pool.length)], "a plan needs members");
  }
}
