import { type Change, type ChangeEvent, eventBytes } from "../mvcc/watch/history.ts";
import type { HistoryPosition, WatchEvent } from "./replica-api.ts";

/**
 * The events of one answer, gathered in the order of history up to a size. Revisions are whole, but
 * for one that is above that size all by itself.
 */
export class WatchBatch {
  readonly #bytesMax: number;
  /** Whole revisions. */
  readonly #events: WatchEvent[] = [];
  #bytes = 0;
  /** The newest revision, of which more may come. */
  #open: WatchEvent[] = [];
  #openBytes = 0;
  #openRevision = 0;
  #cutAt: HistoryPosition | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Nothing more fits: what comes now is for the next answer. */
  get isFull(): boolean {
    return this.#cutAt !== null;
  }

  get bytes(): number {
    return this.#bytes + this.#openBytes;
  }

  /** The next event that belongs to `ranges`. */
  add(change: Change, told: ChangeEvent, ranges: readonly number[]): void {
    if (this.isFull) return;
    if (change.main !== this.#openRevision) this.#closeRevision();
    this.#openRevision = change.main;
    const at = { revision: change.main, sub: change.sub };
    this.#open.push({ at, ranges, event: told.event, prevKv: told.prevKv });
    this.#openBytes += eventBytes(told);
    if (this.bytes <= this.#bytesMax) return;
    if (this.#events.length > 0) this.#dropOpen();
    else if (this.#openBytes > this.#bytesMax) this.#cut({ revision: at.revision, sub: at.sub + 1 });
  }

  /** Takes nothing of `revision` and of what follows: that is for the next answer. */
  stop(revision: number): void {
    if (this.isFull) return;
    if (revision === this.#openRevision) this.#dropOpen();
    else this.#cut({ revision, sub: 0 });
  }

  /** Everything before `looked` was looked at: what was gathered, and how far it goes. */
  end(looked: HistoryPosition): { readonly events: readonly WatchEvent[]; readonly next: HistoryPosition } {
    if (this.#cutAt === null) {
      const isCut = looked.sub > 0 && looked.revision === this.#openRevision;
      if (isCut && this.#events.length > 0) this.#dropOpen();
      else this.#cut(looked);
    }
    return { events: this.#events, next: this.#cutAt ?? looked };
  }

  #closeRevision(): void {
    this.#events.push(...this.#open);
    this.#bytes += this.#openBytes;
    this.#open = [];
    this.#openBytes = 0;
  }

  #cut(at: HistoryPosition): void {
    this.#closeRevision();
    this.#cutAt = at;
  }

  /** The open revision is not told: it comes with the next answer. */
  #dropOpen(): void {
    this.#open = [];
    this.#openBytes = 0;
    this.#cutAt = { revision: this.#openRevision, sub: 0 };
  }
}
