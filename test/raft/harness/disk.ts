/**
 * One node's durable storage. Transactions become durable in order and whole; until then the node
 * itself already reads what it wrote, as on SQLite, and a crash loses them.
 */
import { assert, defined } from "../../../src/base/assert.ts";
import {
  type BootState,
  type Configuration,
  type ConfigurationAt,
  type Entry,
  entryBytes,
  type HardState,
  type LogReader,
  type NodeId,
  type Sleep,
  type SnapshotPoint,
} from "../../../src/raft/types.ts";
import { chainDigest, entryDigest } from "../invariants/digest.ts";

/** The state machine's content at a point, as a snapshot session holds and transfers it. */
export interface SnapshotContent {
  readonly point: SnapshotPoint;
  readonly configuration: ConfigurationAt;
  readonly content: number;
}

/** Everything one turn's iteration writes, at once or not at all. */
export interface Transaction {
  readonly hardState: HardState | null;
  readonly slept: { readonly sleep: Sleep | null } | null;
  readonly truncateFrom: number | null;
  readonly append: readonly Entry[];
  readonly commit: number | null;
  /** Apply entries up to here. */
  readonly applyTo: number | null;
  readonly compactTo: number | null;
  readonly install: SnapshotContent | null;
}

export const EMPTY_TRANSACTION: Transaction = {
  hardState: null,
  slept: null,
  truncateFrom: null,
  append: [],
  commit: null,
  applyTo: null,
  compactTo: null,
  install: null,
};

export class DiskState {
  term = 0;
  vote: NodeId | null = null;
  snapshot: SnapshotPoint = { index: 0, term: 0 };
  snapshotConfiguration: ConfigurationAt;
  entries: Entry[] = [];
  commit = 0;
  applied = 0;
  content = 0;
  sleep: Sleep | null = null;

  constructor(initial: Configuration) {
    this.snapshotConfiguration = { index: 0, configuration: initial };
  }

  get last(): number {
    return this.snapshot.index + this.entries.length;
  }

  entry(index: number): Entry {
    return defined(this.entries[index - this.snapshot.index - 1], `the disk has no entry ${index}`);
  }

  termAt(index: number): number {
    return index === this.snapshot.index ? this.snapshot.term : this.entry(index).term;
  }

  copy(): DiskState {
    const copy = new DiskState(this.snapshotConfiguration.configuration);
    Object.assign(copy, this);
    copy.entries = [...this.entries];
    return copy;
  }

  apply(transaction: Transaction): void {
    const { hardState, slept, truncateFrom, append, commit, applyTo, compactTo, install } = transaction;
    if (hardState !== null) this.#setHardState(hardState);
    if (slept !== null) this.sleep = slept.sleep;
    if (install !== null) this.#install(install);
    if (truncateFrom !== null) this.#truncate(truncateFrom);
    for (const entry of append) {
      assert(entry.index === this.last + 1, `entry ${entry.index} leaves a gap on disk`);
      this.entries.push(entry);
    }
    if (commit !== null) this.commit = commit;
    if (applyTo !== null) {
      while (this.applied < applyTo) this.#applyOne();
    }
    if (compactTo !== null) this.#compact(compactTo);
  }

  /** The newest configuration at or below applied, then every later one. */
  configurations(): ConfigurationAt[] {
    const all = this.#allConfigurations();
    return all.slice(all.findLastIndex((at) => at.index <= this.applied));
  }

  #allConfigurations(): ConfigurationAt[] {
    const all = [this.snapshotConfiguration];
    for (const entry of this.entries) {
      if (entry.kind === "configuration") {
        all.push({ index: entry.index, configuration: entry.configuration });
      }
    }
    return all;
  }

  #setHardState({ term, vote }: HardState): void {
    assert(term >= this.term, "a stored term never decreases");
    assert(term > this.term || this.vote === null || this.vote === vote, "a stored vote stays for its term");
    this.term = term;
    this.vote = vote;
  }

  #truncate(from: number): void {
    assert(from > this.commit, "committed entries are never truncated");
    assert(from <= this.last, "there is something to truncate");
    this.entries = this.entries.slice(0, from - this.snapshot.index - 1);
  }

  #applyOne(): void {
    const entry = this.entry(this.applied + 1);
    assert(entry.index <= this.commit, "only committed entries are applied");
    this.applied = entry.index;
    this.content = chainDigest(this.content, entryDigest(entry));
  }

  #compact(index: number): void {
    if (index <= this.snapshot.index) return;
    assert(index <= this.applied, "only applied entries are compacted");
    const point = { index, term: this.termAt(index) };
    this.snapshotConfiguration = defined(
      this.#allConfigurations().findLast((at) => at.index <= index),
      "some configuration is in force",
    );
    this.entries = this.entries.slice(index - this.snapshot.index);
    this.snapshot = point;
  }

  #install({ point, configuration, content }: SnapshotContent): void {
    assert(point.index > this.commit, "a snapshot never lowers the commit index");
    const continues = point.index <= this.last && this.termAt(point.index) === point.term;
    this.entries = continues ? this.entries.slice(point.index - this.snapshot.index) : [];
    this.snapshot = point;
    this.snapshotConfiguration = configuration;
    this.commit = point.index;
    this.applied = point.index;
    this.content = content;
  }
}

export class Disk {
  /** What a crash leaves. */
  durable: DiskState;
  /** What the node reads. */
  written: DiskState;
  #pending: Transaction[] = [];
  /** Transactions ever written, and how many of them are durable. */
  writtenCount = 0;
  durableCount = 0;

  constructor(state: DiskState) {
    this.durable = state;
    this.written = state.copy();
  }

  write(transaction: Transaction): void {
    this.written.apply(transaction);
    this.#pending.push(transaction);
    this.writtenCount += 1;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Makes the oldest pending transaction durable. */
  flushOne(): void {
    const oldest = defined(this.#pending.shift(), "something is pending");
    this.durable.apply(oldest);
    this.durableCount += 1;
  }

  crash(): void {
    this.#pending = [];
    this.written = this.durable.copy();
    this.writtenCount = this.durableCount;
  }

  boot(): BootState {
    const { term, vote, snapshot, last, commit, applied, sleep } = this.written;
    return {
      term,
      vote,
      snapshot,
      lastIndex: last,
      commit,
      applied,
      sleep,
      configurations: this.written.configurations(),
    };
  }

  reader(): LogReader {
    return {
      term: (index) => this.written.entry(index).term,
      entries: (low, high, bytesMax) => this.#read(low, high, bytesMax),
    };
  }

  #read(low: number, high: number, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = low; index <= high; index += 1) {
      const entry = this.written.entry(index);
      bytes += entryBytes(entry);
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }
}
