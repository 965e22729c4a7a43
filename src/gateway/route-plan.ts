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
  /** Whom to ask until the view knows of other members. */
  readonly founders: readonly string[];
  /** Ask only this member. */
  readonly pin: string | null;
  /** Ask this member first, and that one last, while there is a choice. */
  readonly prefer: string | null;
  readonly avoid: string | null;
  /** Ask the leader first. */
  readonly leaderFirst: boolean;
  /** How near the members are, for what is asked; null where that does not matter. */
  readonly distances: Distances | null;
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
  /** As of the beginning, or the last `refresh`: to ask for the time costs more than all else here. */
  #nowMs: number;
  /** In this round. */
  #asked: readonly string[] = [];
  #rounds = 0;

  constructor(options: PlanOptions, view: ClusterView, clock: Clock, entropy: Entropy) {
    this.#options = options;
    this.#view = view;
    this.#clock = clock;
    this.#entropy = entropy;
    this.#nowMs = clock.nowMs();
    this.#endsAtMs = this.#nowMs + options.budgetMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** To be called when something was awaited and the plan is to go on. */
  refresh(): void {
    this.#nowMs = this.#clock.nowMs();
  }

  /** Time for the next attempt; 0 when the budget is used up. */
  attemptMs(): number {
    const leftMs = this.#endsAtMs - this.#nowMs;
    return leftMs < ATTEMPT_MS_MIN ? 0 : Math.min(leftMs, this.#options.attemptMs);
  }

  /** The member to ask next, after a pause where one is due; null when the budget is used up. */
  async next(): Promise<string | null> {
    while (this.attemptMs() > 0) {
      const chosen = this.atOnce();
      if (chosen !== null) return chosen;
      this.#asked = [];
      await this.pause();
    }
    return null;
  }

  /**
   * The member to ask next if one is left in this round, as there nearly always is; null otherwise. For
   * requests that need no second attempt, so that they wait for nothing but their answer.
   */
  atOnce(): string | null {
    if (this.attemptMs() === 0) return null;
    const candidates = this.#candidates();
    if (candidates.length === 0) return null;
    const chosen = this.#choose(candidates);
    this.#asked = [...this.#asked, chosen];
    return chosen;
  }

  /** Waits before asking again. */
  async pause(): Promise<void> {
    const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#rounds, PAUSE_MS_MAX);
    this.#rounds += 1;
    const jitteredMs = fullMs * (0.5 + this.#entropy.fraction() / 2);
    await this.#clock.sleep(Math.max(0, Math.min(jitteredMs, this.#endsAtMs - this.#nowMs)));
    this.refresh();
  }

  /** Lets `member` be asked a second time in this round. */
  again(member: string): void {
    this.#asked = this.#asked.filter((asked) => asked !== member);
  }

  /** Looked up anew for each attempt: members may change meanwhile. */
  #candidates(): readonly string[] {
    const { pin, founders } = this.#options;
    const all = pin === null ? (this.#view.serving ?? founders) : [pin];
    return this.#asked.length === 0 ? all : all.filter((member) => !this.#asked.includes(member));
  }

  /**
   * The leader or another one where wanted, else the nearest; among those that are equally near one at random.
   */
  #choose(candidates: readonly string[]): string {
    const { leader } = this.#view;
    const { leaderFirst, prefer, distances } = this.#options;
    if (leaderFirst && leader !== null && candidates.includes(leader)) return leader;
    if (prefer !== null && candidates.includes(prefer)) return prefer;
    const able = this.#able(candidates);
    const drawn = this.#entropy.fraction();
    const looksAround = drawn < LOOK_AROUND;
    const pool = distances === null || looksAround ? able : distances.nearest(able);
    const place = looksAround ? drawn / LOOK_AROUND : (drawn - LOOK_AROUND) / (1 - LOOK_AROUND);
    return defined(pool[Math.floor(place * pool.length)], "a plan needs members");
  }

  /** Without those to be asked last, while anybody else is left. */
  #able(candidates: readonly string[]): readonly string[] {
    const { avoid } = this.#options;
    if (avoid === null && !this.#view.hasSuspects) return candidates;
    const sound = candidates.filter(
      (member) => member !== avoid && !this.#view.isSuspect(member, this.#nowMs),
    );
    return sound.length > 0 ? sound : candidates;
  }
}
