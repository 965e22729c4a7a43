/**
 * What would be there after a crash at this moment, kept beside the database as plain data. It is
 * read from the database after every event that wrote, never from anybody's memory, and becomes
 * current when the event's transaction becomes durable.
 */
import { assert } from "../../../src/base/assert.ts";
import type { SqlRow } from "../../../src/base/sql.ts";
import type { Entry, NodeId, SnapshotPoint } from "../../../src/raft/types.ts";
import type { DurableView, LogView } from "../../raft/invariants/view.ts";
import { internEntry } from "./intern-entry.ts";
import type { SimSql } from "./sim-sql.ts";

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
};

const META = `SELECT term, vote, commit_index, applied, snapshot_index, snapshot_term,
  revision, ord, sequence, compact_revision, system_ord, generation FROM meta WHERE id = 0`;
const LOG = "SELECT idx, term, kind, data FROM log WHERE idx >= ? ORDER BY idx";
const CONFIGURATION = "SELECT body FROM configuration WHERE idx = ?";
export const VERSION_COLUMNS = "ord, main, sub, key, create_main, version, value";
const VERSIONS = [0, 1].map(
  (generation) => `SELECT ${VERSION_COLUMNS} FROM kv_${generation} WHERE ord > ? ORDER BY ord`,
);

/** Reads from the database what an event changed. `before` is what the database held before it. */
export function readChange(
  sql: SimSql,
  before: Meta,
  logFrom: number | null,
  inserts: readonly SqlRow[],
): MirrorChange | null {
  const row = sql.first(META, []);
  if (row === null) return null;
  const meta = decodeMeta(row);
  const from = logFrom ?? Number.MAX_SAFE_INTEGER;
  const entries = logFrom === null ? [] : sql.all(LOG, [logFrom]).map((entry) => decodeEntry(sql, entry));
  const inserted = inserts.map((entry) => decodeEntry(sql, entry));
  const installed = meta.generation !== before.generation;
  const versions =
    installed || meta.ord > before.ord
      ? sql.all(VERSIONS[meta.generation] ?? "", [installed ? 0 : before.ord])
      : [];
  return { meta, from, entries, inserted, committed: [], versions, installed, truncated: false };
}

export class DurableMirror implements DurableView, LogView {
  #meta: Meta = EMPTY;
  /** Entries after `snapshot`. */
  #entries: Entry[] = [];
  #base = 0;

  apply(change: MirrorChange): void {
    const { meta, from, entries } = change;
    const { index } = meta.snapshot;
    change.committed = this.#committedBy(change);
    change.truncated = from <= this.last && from > this.#base;
    if (from <= this.last) this.#entries.length = Math.max(0, from - this.#base - 1);
    if (index > this.#base) {
      this.#entries = this.#entries.slice(index - this.#base);
      this.#base = index;
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
    return this.#meta.snapshot;
  }

  get last(): number {
    return this.#base + this.#entries.length;
  }

  entry(index: number): Entry {
    const entry = this.#entries[index - this.#base - 1];
    assert(entry !== undefined, `the durable log has no entry ${index}`);
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

function decodeMeta(row: SqlRow): Meta {
  const [term, vote, commit, applied, index, snapshotTerm, ...mvcc] = row;
  const [revision, ord, sequence, compactRevision, systemOrd, generation] = mvcc;
  return {
    term: Number(term),
    vote: vote === null ? null : String(vote),
    commit: Number(commit),
    applied: Number(applied),
    snapshot: { index: Number(index), term: Number(snapshotTerm) },
    revision: Number(revision),
    ord: Number(ord),
    sequence: Number(sequence),
    compactRevision: Number(compactRevision),
    systemOrd: Number(systemOrd),
    generation: Number(generation),
  };
}

function decodeEntry(sql: SimSql, [idx, termValue, kind, data]: SqlRow): Entry {
  const index = Number(idx);
  const term = Number(termValue);
  if (kind === 0) {
    assert(data instanceof Uint8Array, `command ${index} has no data`);
    return internEntry({ kind: "command", index, term, data });
  }
  if (kind === 1) return internEntry({ kind: "empty", index, term });
  const body = sql.first(CONFIGURATION, [index])?.[0] ?? "null";
  // Written by the configuration table only.
  return internEntry({ kind: "configuration", index, term, configuration: JSON.parse(String(body)) });
}
