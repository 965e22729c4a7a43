/**
 * Those who wait for changes. Bounded; what a change costs depends on how many it concerns. The rows
 * that a turn wrote are read once for all of them, before anything can be deleted, and told when the
 * turn's writes are done.
 */
import { LIMITS } from "../base/limits.ts";
import { intervalOf } from "../mvcc/interval.ts";
import type { MvccState } from "../mvcc/mvcc-state.ts";
import type { Change, History } from "../mvcc/watch/history.ts";
import { IntervalIndex } from "../mvcc/watch/interval-index.ts";
import type { WatchCall, WatchRange } from "./replica-api.ts";
import { WatchBatch } from "./watch-batch.ts";
import { endOf, isWanted, type WatchFindings } from "./watch-reader.ts";

/** Tells a call what was found. Called once, in a turn or outside. */
export type Tell = (findings: WatchFindings) => void;

interface Waiter {
  readonly call: WatchCall;
  readonly tell: Tell;
  readonly expiresAt: number;
  readonly interests: readonly Interest[];
  /** What the turn under way has for it; null: nothing. */
  batch: WatchBatch | null;
}

/** One range of one waiter. */
interface Interest {
  readonly waiter: Waiter;
  readonly place: number;
  readonly range: WatchRange;
}

const PAGE_ROWS = 512;

/** Expiries are rounded up to this, so that many calls expire at once and are looked through rarely. */
const EXPIRY_STEP_MS = 250;

export class WatchHub {
  /** By stream. All have been told everything up to `#state`. */
  readonly #waiters = new Map<string, Waiter>();
  readonly #index = new IntervalIndex<Interest>();
  #ranges = 0;
  #state: MvccState | null = null;
  #earliestExpiry = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.#waiters.size;
  }

  /**
   * Waits for changes behind `history`, of which nothing is to be told any more. False: too many are
   * waiting. An earlier call of the same stream is told that there was nothing.
   */
  add(history: History, call: WatchCall, expiresAt: number, tell: Tell): boolean {
    const before = this.#waiters.get(call.stream);
    if (before !== undefined) this.#dismiss(before);
    const isFull = this.#waiters.size >= LIMITS.watchersWaitingMax;
    if (isFull || this.#ranges + call.ranges.length > LIMITS.watchRangesWaitingMax) return false;
    if (this.#waiters.size === 0) this.#state = history.state;
    const interests: Interest[] = [];
    const at = Math.ceil(expiresAt / EXPIRY_STEP_MS) * EXPIRY_STEP_MS;
    const waiter: Waiter = { call, tell, expiresAt: at, interests, batch: null };
    call.ranges.forEach((range, place) => {
      const interest = { waiter, place, range };
      interests.push(interest);
      this.#index.add(intervalOf(range.key, range.rangeEnd), interest);
    });
    this.#ranges += interests.length;
    this.#waiters.set(call.stream, waiter);
    this.#earliestExpiry = Math.min(this.#earliestExpiry, at);
    return true;
  }

  /** Entries were applied: tells whom that concerns. Called before compacted rows may be deleted. */
  applied(history: () => History, state: MvccState): void {
    const before = this.#state;
    if (this.#waiters.size === 0 || before === null || before.revision === state.revision) return;
    // Another generation is a store from elsewhere, whose history may begin later.
    const isSame = before.generation === state.generation;
    if (!isSame || state.ord - before.ord > LIMITS.watchNotifyRowsMax) {
      this.dismissAll();
      return;
    }
    const now = history();
    const concerned = this.#distribute(now, before.ord);
    this.#state = state;
    for (const waiter of concerned) {
      this.#remove(waiter);
      const { events, next } = (waiter.batch ?? new WatchBatch(0)).end(endOf(now));
      waiter.tell({ events, next, compacted: [], compactRevision: state.compactRevision });
    }
  }

  /** Sends everybody to ask again: elsewhere, or from what is stored. */
  dismissAll(): void {
    for (const waiter of [...this.#waiters.values()]) this.#dismiss(waiter);
  }

  expire(now: number): void {
    if (now < this.#earliestExpiry) return;
    this.#earliestExpiry = Number.POSITIVE_INFINITY;
    for (const waiter of [...this.#waiters.values()]) {
      if (waiter.expiresAt <= now) this.#dismiss(waiter);
      else this.#earliestExpiry = Math.min(this.#earliestExpiry, waiter.expiresAt);
    }
  }

  deadline(): number | null {
    return this.#waiters.size === 0 ? null : this.#earliestExpiry;
  }

  /** Reads what was written behind `position`; returns those who have something to be told. */
  #distribute(history: History, position: number): ReadonlySet<Waiter> {
    const concerned = new Set<Waiter>();
    let bytes = 0;
    for (let after = position; ; ) {
      const page = history.changesAfter(after, PAGE_ROWS);
      for (const change of page) {
        if (bytes <= LIMITS.watchNotifyBytesMax) bytes += this.#offer(history, change, concerned);
        else this.#mark(change, concerned);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return concerned;
      after = last.ord;
    }
  }

  /** Gives a change to all it concerns; returns the bytes that this adds to their answers. */
  #offer(history: History, change: Change, concerned: Set<Waiter>): number {
    const places = new Map<Waiter, number[]>();
    let withPrevKv = false;
    for (const { waiter, place, range } of this.#index.match(change.key)) {
      if (!isWanted(range, change)) continue;
      withPrevKv ||= range.prevKv;
      const known = places.get(waiter);
      if (known === undefined) places.set(waiter, [place]);
      else known.push(place);
    }
    if (places.size === 0) return 0;
    // Read once, however many it concerns; those who did not ask for the pair before do not show it.
    const told = history.event(change, withPrevKv);
    let bytes = 0;
    for (const [waiter, wanted] of places) {
      waiter.batch ??= new WatchBatch(waiter.call.bytesMax);
      const before = waiter.batch.bytes;
      waiter.batch.add(change, told, wanted);
      bytes += Math.max(0, waiter.batch.bytes - before);
      concerned.add(waiter);
    }
    return bytes;
  }

  /** Too much was gathered: whoever is concerned and has nothing yet is told to ask again. */
  #mark(change: Change, concerned: Set<Waiter>): void {
    for (const { waiter, range } of this.#index.match(change.key)) {
      if (!isWanted(range, change)) continue;
      waiter.batch ??= new WatchBatch(waiter.call.bytesMax);
      waiter.batch.stop(change.main);
      concerned.add(waiter);
    }
  }

  /** Tells a call that there was nothing up to now. */
  #dismiss(waiter: Waiter): void {
    this.#remove(waiter);
    const next = { revision: (this.#state?.revision ?? 0) + 1, sub: 0 };
    waiter.tell({ events: [], next, compacted: [], compactRevision: this.#state?.compactRevision ?? -1 });
  }

  #remove(waiter: Waiter): void {
    if (this.#waiters.get(waiter.call.stream) !== waiter) return;
    this.#waiters.delete(waiter.call.stream);
    this.#ranges -= waiter.interests.length;
    for (const interest of waiter.interests) {
      this.#index.remove(intervalOf(interest.range.key, interest.range.rangeEnd), interest);
    }
  }
}
