/**
 * A replica's log as the core sees it: entries not yet stored, a cache of recent ones, and the
 * host's storage behind both.
 *
 *   snapshot.index < first ... stored ... persisted | not yet stored ... last
 *                        ^ commit is somewhere in first-1 .. last
 *
 * Invariants: snapshot.index <= commit <= last; entries are contiguous and terms never decrease;
 * nothing at or below commit is ever replaced (paper 5.3, 5.4).
 */
import { assert, assertCount, defined } from "../base/assert.ts";
import { type BootState, type Entry, entryBytes, type LogReader, type SnapshotPoint } from "./types.ts";

export class RaftLog {
  readonly #reader: LogReader;
  readonly #cacheBytesMax: number;
  /** The newest entries, contiguous up to `last`; holds at least everything not yet stored. */
  #tail: Entry[] = [];
  #tailBytes = 0;
  #unstoredFrom: number;
  #truncateFrom: number | null = null;
  #snapshot: SnapshotPoint;
  #last: number;
  /** The term at `last`, once it was asked for: heartbeats carry it, and rows read are paid for. */
  #lastTerm: number | null = null;
  #persisted: number;
  #commit: number;

  constructor(boot: BootState, reader: LogReader, cacheBytesMax: number) {
    assertCount(boot.lastIndex, "lastIndex");
    assert(boot.snapshot.index <= boot.applied, "the snapshot must not be ahead of what is applied");
    assert(boot.applied <= boot.commit, "applied must not be ahead of commit");
    assert(boot.commit <= boot.lastIndex, "commit must not be ahead of the log");
    this.#reader = reader;
    this.#cacheBytesMax = cacheBytesMax;
    this.#snapshot = boot.snapshot;
    this.#last = boot.lastIndex;
    this.#persisted = boot.lastIndex;
    this.#commit = boot.commit;
    this.#unstoredFrom = boot.lastIndex + 1;
  }

  get snapshot(): SnapshotPoint {
    return this.#snapshot;
  }

  get first(): number {
    return this.#snapshot.index + 1;
  }

  get last(): number {
    return this.#last;
  }

  get lastTerm(): number {
    this.#lastTerm ??= defined(this.term(this.#last), "the last term is always known");
    return this.#lastTerm;
  }

  /** The last index this node may count as its own durable copy. */
  get persisted(): number {
    return this.#persisted;
  }

  get commit(): number {
    return this.#commit;
  }

  /** The term at `index`; null when it is compacted or beyond the end. */
  term(index: number): number | null {
    if (index === this.#snapshot.index) return this.#snapshot.term;
    if (index < this.first || index > this.#last) return null;
    const cached = this.#tail[index - this.#tailFirst];
    return cached === undefined ? this.#reader.term(index) : cached.term;
  }

  /** True when this log has an entry of `term` at `index` (or ends a snapshot there). */
  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** True when a log ending at (`lastIndex`, `lastTerm`) holds all that this one does (5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ownTerm = this.lastTerm;
    return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.#last);
  }

  /**
   * The largest index <= `index` whose term is at most `term`: where a log that disagrees at `index`
   * with `term` could still agree with this one. Terms never decrease, so it is found by halving.
   */
  findByTerm(index: number, term: number): number {
    let low = this.#snapshot.index;
    let high = Math.min(index, this.#last);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (defined(this.term(middle), "term inside the log") <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Entries `low`..`high` inclusive, cut to `bytesMax` but never empty. */
  entries(low: number, high: number, bytesMax: number): readonly Entry[] {
    assert(
      low >= this.first && high <= this.#last && low <= high,
      `entries ${low}..${high} are not in the log`,
    );
    if (low < this.#tailFirst) {
      const stored = this.#reader.entries(low, Math.min(high, this.#tailFirst - 1), bytesMax);
      assert(stored[0]?.index === low, `storage has no entry ${low}`);
      return stored;
    }
    const taken: Entry[] = [];
    let bytes = 0;
    for (let i = low - this.#tailFirst; i <= high - this.#tailFirst; i += 1) {
      const entry = defined(this.#tail[i], "the tail is contiguous");
      bytes += entryBytes(entry);
      if (taken.length > 0 && bytes > bytesMax) break;
      taken.push(entry);
    }
    return taken;
  }

  /** Appends at the end; the first must follow `last`. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#last + 1, `entry ${entry.index} does not follow ${this.#last}`);
      assert(entry.term >= this.lastTerm, "terms in a log never decrease");
      this.#tail.push(entry);
      this.#tailBytes += entryBytes(entry);
      this.#last = entry.index;
      this.#lastTerm = entry.term;
    }
  }

  /** Deletes from `index` on because a leader's log differs there. Committed entries never do. */
  truncateFrom(index: number): void {
    assert(index > this.#commit, `truncating ${index} would delete committed entries up to ${this.#commit}`);
    assert(index <= this.#last, "there is nothing to truncate");
    const keep = Math.max(0, index - this.#tailFirst);
    for (const entry of this.#tail.slice(keep)) this.#tailBytes -= entryBytes(entry);
    this.#tail = this.#tail.slice(0, keep);
    if (index < this.#unstoredFrom) {
      this.#truncateFrom = Math.min(index, this.#truncateFrom ?? index);
      this.#unstoredFrom = index;
    }
    this.#last = index - 1;
    this.#lastTerm = null;
    this.#persisted = Math.min(this.#persisted, index - 1);
  }

  /** Index of the first entry that the host was not given yet; last + 1 when it has all. */
  get unstoredFrom(): number {
    return this.#unstoredFrom;
  }

  /** Whether all entries that the host was not given yet are commands. */
  get isUnstoredCommands(): boolean {
    for (let i = this.#unstoredFrom - this.#tailFirst; i < this.#tail.length; i += 1) {
      if (this.#tail[i]?.kind !== "command") return false;
    }
    return true;
  }

  /** What the host has to store now. After this call it counts as handed over, not as durable. */
  takeUnstored(): { readonly truncateFrom: number | null; readonly append: readonly Entry[] } {
    const append =
      this.#unstoredFrom > this.#last ? [] : this.#tail.slice(this.#unstoredFrom - this.#tailFirst);
    const taken = { truncateFrom: this.#truncateFrom, append };
    this.#truncateFrom = null;
    this.#unstoredFrom = this.#last + 1;
    return taken;
  }

  /**
   * The host stored the log up to (`index`, `term`). A completion that a later truncation overtook
   * names a term the log no longer has there, and is ignored.
   */
  markPersisted(index: number, term: number): void {
    if (index <= this.#persisted || !this.matches(index, term)) return;
    assert(index < this.#unstoredFrom, "only what was handed over can be durable");
    this.#persisted = index;
    this.#shrinkCache();
  }

  /** Raises the commit index; returns whether it moved. */
  maybeCommit(index: number): boolean {
    if (index <= this.#commit) return false;
    assert(index <= this.#last, `commit ${index} is beyond the log's end ${this.#last}`);
    this.#commit = index;
    return true;
  }

  /** The host deleted entries up to `index`; their content lives on in the state machine. */
  compact(index: number): void {
    assert(index <= this.#commit && index <= this.#persisted, "only committed, stored entries are compacted");
    if (index <= this.#snapshot.index) return;
    const term = defined(this.term(index), "the compacted entry is in the log");
    const drop = index + 1 - this.#tailFirst;
    if (drop > 0) {
      for (const entry of this.#tail.slice(0, drop)) this.#tailBytes -= entryBytes(entry);
      this.#tail = this.#tail.slice(drop);
    }
    this.#snapshot = { index, term };
  }

  /**
   * A snapshot was installed. The log's suffix survives only if it has the snapshot's last entry;
   * otherwise all of it goes, or the next append could never fit (hashicorp/raft #697).
   * Returns whether the suffix survived.
   */
  install(point: SnapshotPoint): boolean {
    assert(point.index > this.#commit, "a snapshot must not lower the commit index");
    assert(this.#unstoredFrom === this.#last + 1, "effects must be taken before a snapshot is installed");
    const keepsSuffix = this.matches(point.index, point.term);
    this.#commit = point.index;
    if (keepsSuffix) {
      this.#persisted = Math.max(this.#persisted, point.index);
      this.compact(point.index);
      return true;
    }
    this.#tail = [];
    this.#tailBytes = 0;
    this.#snapshot = point;
    this.#last = point.index;
    this.#lastTerm = point.term;
    this.#persisted = point.index;
    this.#unstoredFrom = point.index + 1;
    this.#truncateFrom = null;
    return false;
  }

  get #tailFirst(): number {
    return this.#last + 1 - this.#tail.length;
  }

  #shrinkCache(): void {
    let drop = 0;
    while (
      this.#tailBytes > this.#cacheBytesMax &&
      this.#tailFirst + drop <= Math.min(this.#persisted, this.#unstoredFrom - 1)
    ) {
      this.#tailBytes -= entryBytes(defined(this.#tail[drop], "the tail holds what it counts"));
      drop += 1;
    }
    if (drop > 0) this.#tail = this.#tail.slice(drop);
  }
}
