/** Where a stream's changes come from: one replica for as long as it serves, then another one. */
import { toHex } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ReplicaHeader, WatchRange } from "../../engine/replica-api.ts";
import type { LeaderRouter, RouteChoice, RouteFailure, WatchOutcome } from "../leader-router.ts";
import type { Entropy } from "../ports.ts";

/** A quorum that does not answer within this is not waited for any longer. */
const FRESH_BUDGET_MS = 5_000;
const STREAM_ID_BYTES = 12;

export interface WatchQuestion {
  readonly ranges: readonly WatchRange[];
  /** Everything acknowledged by now must be in the answer. */
  readonly isFresh: boolean;
  readonly waitMs: number;
}

/** Where the store stands, as a replica tells it. */
export type NowOutcome = { readonly kind: "now"; readonly header: ReplicaHeader } | RouteFailure;

export class WatchSource {
  readonly #router: LeaderRouter;
  readonly #choice: RouteChoice;
  readonly #stream: string;
  #prefer: string | null = null;
  #avoid: string | null = null;
  #calls = 0;
  #isGuarded = false;

  constructor(router: LeaderRouter, choice: RouteChoice, entropy: Entropy) {
    this.#router = router;
    this.#choice = choice;
    this.#stream = toHex(entropy.bytes(STREAM_ID_BYTES));
  }

  /** The platform allows no further calls. */
  get isSpent(): boolean {
    return this.#calls >= LIMITS.watchCallsMax;
  }

  /**
   * The store's revision, with everything that was acknowledged to anybody before. Without a quorum:
   * to anybody that this gateway has served.
   */
  async now(): Promise<NowOutcome> {
    const question = { ranges: [], isFresh: true, waitMs: 0 };
    const fresh = await this.#ask(question, { budgetMs: FRESH_BUDGET_MS });
    const outcome = fresh.kind === "failed" ? await this.#ask({ ...question, isFresh: false }, {}) : fresh;
    return outcome.kind === "failed" ? outcome : { kind: "now", header: outcome.header };
  }

  /**
   * Why whoever asks may not watch a range, as a key of the error table, or null. Asked of nobody in a
   * cluster that asks for no users.
   */
  async refusalOf({ key, rangeEnd }: Pick<WatchRange, "key" | "rangeEnd">): Promise<string | null> {
    if (!this.#isGuarded) return null;
    const from = { revision: Number.MAX_SAFE_INTEGER, sub: 0 };
    const range = { key, rangeEnd, from, noPut: true, noDelete: true, prevKv: false };
    const outcome = await this.#ask({ ranges: [range], isFresh: true, waitMs: 0 }, {});
    // Whoever cannot be asked now is asked again with every call.
    return outcome.kind === "failed" ? null : (outcome.refused?.[0]?.error ?? null);
  }

  ask(question: WatchQuestion): Promise<WatchOutcome> {
    return this.#ask(question, {});
  }

  async #ask(
    { ranges, isFresh, waitMs }: WatchQuestion,
    more: Pick<RouteChoice, "budgetMs">,
  ): Promise<WatchOutcome> {
    this.#calls += 1;
    const outcome = await this.#router.watch(
      { ...this.#choice, ...more, prefer: this.#prefer, avoid: this.#avoid },
      {
        stream: this.#stream,
        ranges,
        consistency: isFresh ? "linearizable" : "serializable",
        minRevision: isFresh || ranges.length > 0 ? 0 : this.#router.knownRevision(this.#choice.cluster),
        waitMs,
        bytesMax: LIMITS.watchBytesMax,
      },
    );
    this.#prefer = null;
    this.#avoid = null;
    if (outcome.kind === "watched") {
      this.#isGuarded = outcome.isGuarded ?? this.#isGuarded;
      // A replica without a leader hears of nothing; another one may have one.
      if (outcome.header.leader === null) this.#avoid = outcome.header.member;
      else this.#prefer = outcome.header.member;
    }
    return outcome;
  }
}
