import { EMPTY_BYTES, prefixEnd } from "../../../base/bytes.ts";
import type { HistoryPosition, WatchEvent, WatchRange } from "../../../engine/replica-api.ts";
import type { RouteFailure } from "../../leader-router.ts";
import { WatchSource } from "../../watch/watch-source.ts";
import type { V3Call } from "../call.ts";
import type { Patience } from "../patience.ts";

/** How long a replica lets one question wait. */
const WAIT_MS = 20_000;
const PAUSE_MS = 500;
/** Without any answer for so long, waiting is given up. */
const FAILURES_MAX = 6;

/** What is waited for: deletions of single keys, or any change below a prefix. */
export type Wanted =
  | { readonly kind: "deleted"; readonly key: Uint8Array }
  | { readonly kind: "changed"; readonly key: Uint8Array }
  | { readonly kind: "put-below"; readonly prefix: Uint8Array };

export type Waited =
  /** In the order of history; `revision` is the next one to look from. */
  | { readonly kind: "events"; readonly events: readonly WatchEvent[]; readonly revision: number }
  /** History is gone, or not for this client: whoever waits must look again how things stand. */
  | { readonly kind: "unseen" }
  /** Nothing for a while: a moment to do something else, then to wait on. */
  | { readonly kind: "nothing"; readonly revision: number }
  | { readonly kind: "failed"; readonly failure: RouteFailure }
  | { readonly kind: "over" };

/** Waits for changes from a revision on, by the same calls that watches are made of. */
export class ChangeWaiter {
  readonly #source: WatchSource;
  readonly #call: V3Call<unknown>;
  readonly #patience: Patience;
  #failures = 0;

  constructor(call: V3Call<unknown>, patience: Patience) {
    const { services, choice } = call;
    this.#source = new WatchSource(services.router, choice, services.entropy);
    this.#call = call;
    this.#patience = patience;
  }

  /** Waits for the first of the wanted changes at `revision` or later. */
  async wait(wanted: readonly Wanted[], revision: number): Promise<Waited> {
    const from: HistoryPosition = { revision, sub: 0 };
    const question = { ranges: wanted.map((one) => rangeOf(one, from)), isFresh: false, waitMs: WAIT_MS };
    if (this.#patience.isOver || this.#source.isSpent) return { kind: "over" };
    const outcome = await Promise.race([this.#source.ask(question), this.#patience.over]);
    if (outcome === undefined) return { kind: "over" };
    switch (outcome.kind) {
      case "failed":
        return this.#failed(outcome, revision);
      case "watched": {
        this.#failures = 0;
        const isRefused = (outcome.refused ?? []).length > 0;
        if (outcome.compacted.length > 0 || isRefused) return { kind: "unseen" };
        const { events, next } = outcome;
        // The rest of a revision that was cut is seen once more; nobody here minds.
        const reached = Math.max(revision, next.revision);
        return events.length > 0
          ? { kind: "events", events, revision: reached }
          : { kind: "nothing", revision: reached };
      }
    }
  }

  async #failed(failure: RouteFailure, revision: number): Promise<Waited> {
    this.#failures += 1;
    if (this.#failures >= FAILURES_MAX) return { kind: "failed", failure };
    await Promise.race([this.#call.services.clock.sleep(PAUSE_MS), this.#patience.over]);
    return this.#patience.isOver ? { kind: "over" } : { kind: "nothing", revision };
  }
}

function rangeOf(wanted: Wanted, from: HistoryPosition): WatchRange {
  const prevKv = false;
  switch (wanted.kind) {
    case "deleted":
      return { key: wanted.key, rangeEnd: EMPTY_BYTES, from, noPut: true, noDelete: false, prevKv };
    case "changed":
      return { key: wanted.key, rangeEnd: EMPTY_BYTES, from, noPut: false, noDelete: false, prevKv };
    case "put-below":
      return {
        key: wanted.prefix,
        rangeEnd: prefixEnd(wanted.prefix),
        from,
        noPut: false,
        noDelete: true,
        prevKv,
      };
  }
}
