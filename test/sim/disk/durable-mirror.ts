/**
 * What would be there after a crash at this moment, kept beside the database as plain data. It follows
 * from what was written to the database, never from anybody's memory, and becomes current when the
 * event's transaction becomes durable.
 */
import { assert, InvariantError } from "../../../src/base/assert.ts";
import type { SqlRow } from "../../../src/base/sql.ts";
import type { RecentAnswers } from "../../../src/mvcc/mvcc-state.ts";
import type { Entry, NodeId, SnapshotPoint } from "../../../src/raft/types.ts";
import type { DurableView, LogView } from "../../raft/invariants/view.ts";

export interface Meta {
  readonly term: number;
  readonly vote: NodeId | null;
  readonly commit: number;
  readonly applied: number;
  readonly snapshot: SnapshotPoint;
  readonly revision: number;
  readonly ord: number;
  readonly sequence: number;
  readonly compactRevision: number;
  readonly systemOrd: number;
  readonly generation: number;
  readonly recent: RecentAnswers | null;
}

/** How one transaction changed the log and the counters. */
export interface MirrorChange {
  readonly meta: Meta;
  /** Entries from here on were replaced by `entries`. */
  readonly from: number;
  readonly entries: readonly Entry[];
  /** Every entry it inserted, also those that it compacted again. */
  readonly inserted: readonly Entry[];
  /** What it committed, as far as this object has had it; filled in when it becomes durable. */
  committed: readonly Entry[];
  /** Rows of the store written by it, oldest first. */
  readonly versions: readonly SqlRow[];
  /** The store's rows are those of a pulled snapshot. */
  readonly installed: boolean;
  /** It replaced durable entries; filled in when it becomes durable. */
  truncated: boolean;
}

const EMPTY: Meta = {
  term: 0,
  vote: null,
  commit: 0,
  applied: 0,
  snapshot: { index: 0, term: 0 },
  revision: 1,
  ord: 0,
  sequence: 0,
  compactRevision: -1,
  systemOrd: 0,
  generation: 0,
  recent: null,
};

export class DurableMirror implements DurableView, LogView {
  #meta: Meta = EMPTY;
  /** Entries after `#begin`. */
  #entries: Entry[] = [];
  /** Where the log was cut. Of an object that lost its database it stays: its counters begin anew, what it held is kept here. */
  #begin: SnapshotPoint = EMPTY.snapshot;

  apply(change: MirrorChange): void {
    const { meta, from, entries } = change;
    const { index } = meta.snapshot;
    change.committed = this.#committedBy(change);
    change.truncated = from <= this.last && from > this.#base;
    if (from <= this.last) this.#entries.length = Math.max(0, from - this.#base - 1);
    if (index > this.#base) {
      this.#entries = this.#entries.slice(index - this.#base);
      this.#begin = meta.snapshot;
    }
    for (const entry of entries) {
      assert(entry.index === this.last + 1, `the stored log has a gap before ${entry.index}`);
      this.#entries.push(entry);
    }
    this.#meta = meta;
  }

  #committedBy({ meta, inserted, from }: MirrorChange): Entry[] {
    const committed: Entry[] = [];
    for (let index = this.commit + 1; index <= meta.commit; index += 1) {
      const old = index < from && index > this.#base ? this.#entries[index - this.#base - 1] : undefined;
      const entry = inserted.findLast((candidate) => candidate.index === index) ?? old;
      // Part of a snapshot: somebody else had it.
      if (entry === undefined) return [];
      committed.push(entry);
    }
    return committed;
  }

  get #base(): number {
    return this.#begin.index;
  }

  get meta(): Meta {
    return this.#meta;
  }

  get term(): number {
    return this.#meta.term;
  }

  get vote(): NodeId | null {
    return this.#meta.vote;
  }

  get commit(): number {
    return this.#meta.commit;
  }

  get applied(): number {
    return this.#meta.applied;
  }

  get log(): LogView {
    return this;
  }

  get snapshot(): SnapshotPoint {
    return this.#begin;
  }

  get last(): number {
    return this.#base + this.#entries.length;
  }

  entry(index: number): Entry {
    const entry = this.#entries[index - this.#base - 1];
    // Looked at all the time: what would be said is put together only when it is.
    if (entry === undefined) throw new InvariantError(`the durable log has no entry ${index}`);
    return entry;
  }

  /** The counters in one number. The rows are compared with the model, one by one. */
  get content(): number {
    const { revision, ord, sequence, compactRevision, systemOrd } = this.#meta;
    let hash = 17;
    for (const value of [revision, ord, sequence, compactRevision, systemOrd])
      hash = Math.imul(hash ^ value, 0x01000193);
    return hash >>> 0;
  }
}
