import fc from "fast-check";
import { expect, test } from "vitest";
import { RaftLog } from "../../src/raft/log.ts";
import type { Entry, LogReader } from "../../src/raft/types.ts";
import { command } from "./harness/node.ts";

/** The log as one array, entry i at index i + 1; what is compacted stays in it and is only marked. */
class NaiveLog {
  entries: Entry[] = [];
  snapshot = 0;
  snapshotTerm = 0;
  commit = 0;
  /** What the host has been given so far. */
  stored: Entry[] = [];

  get last(): number {
    return this.entries.length;
  }

  term(index: number): number | null {
    if (index === this.snapshot) return this.snapshotTerm;
    if (index < this.snapshot || index > this.last) return null;
    return this.entries[index - 1]?.term ?? null;
  }
}

type Action =
  | { readonly kind: "append"; readonly newTerm: boolean; readonly count: number }
  | { readonly kind: "truncate"; readonly pick: number }
  | { readonly kind: "store" }
  | { readonly kind: "commit"; readonly pick: number }
  | { readonly kind: "compact"; readonly pick: number }
  | { readonly kind: "install"; readonly ahead: number; readonly matching: boolean };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    newTerm: fc.boolean(),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant("truncate" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("store" as const) }),
  fc.record({ kind: fc.constant("commit" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("compact" as const), pick: fc.nat() }),
  fc.record({
    kind: fc.constant("install" as const),
    ahead: fc.integer({ min: 1, max: 5 }),
    matching: fc.boolean(),
  }),
);

/** Both logs, driven together; terms grow with every truncation, as they do in life. */
class Pair {
  readonly naive = new NaiveLog();
  readonly log: RaftLog;
  #term = 1;

  constructor(cacheBytesMax: number) {
    const { naive } = this;
    const reader: LogReader = {
      term: (index) => storedAt(naive, index).term,
      entries: (low, high) => {
        const found = [];
        for (let index = low; index <= high; index += 1) found.push(storedAt(naive, index));
        return found;
      },
    };
    const boot = {
      term: 0,
      vote: null,
      snapshot: { index: 0, term: 0 },
      lastIndex: 0,
      commit: 0,
      applied: 0,
      sleep: null,
      configurations: [],
    };
    this.log = new RaftLog(boot, reader, cacheBytesMax);
  }

  act(step: Action): void {
    const { naive, log } = this;
    switch (step.kind) {
      case "append":
        if (step.newTerm) this.#term += 1;
        this.#append(step.count);
        break;
      case "truncate": {
        if (naive.last === naive.commit) return;
        const from = naive.commit + 1 + (step.pick % (naive.last - naive.commit));
        log.truncateFrom(from);
        naive.entries = naive.entries.slice(0, from - 1);
        this.#term += 1;
        break;
      }
      case "store":
        this.#store();
        break;
      case "commit": {
        const index = step.pick % (naive.last + 1);
        expect(log.maybeCommit(index)).toBe(index > naive.commit);
        naive.commit = Math.max(naive.commit, index);
        break;
      }
      case "compact": {
        const index = step.pick % (Math.min(naive.commit, log.persisted) + 1);
        const term = naive.term(index);
        log.compact(index);
        if (index > naive.snapshot && term !== null) this.#compacted(index, term);
        break;
      }
      case "install":
        this.#install(step.ahead, step.matching);
        break;
    }
  }

  #append(count: number): void {
    const { naive } = this;
    const entries = Array.from({ length: count }, (_, i) => {
      const index = naive.last + 1 + i;
      return command(index, this.#term, `${this.#term}.${index}`);
    });
    this.log.append(entries);
    naive.entries.push(...entries);
  }

  #store(): void {
    const { naive, log } = this;
    const { truncateFrom, append } = log.takeUnstored();
    if (truncateFrom !== null) naive.stored = naive.stored.slice(0, truncateFrom - 1);
    if (append.length > 0) expect(append[0]?.index).toBe(naive.stored.length + 1);
    naive.stored.push(...append);
    expect(naive.stored).toEqual(naive.entries);
    const last = append.at(-1);
    if (last !== undefined) log.markPersisted(last.index, last.term);
    // A completion of something long overwritten or never written says nothing.
    log.markPersisted(naive.last + 5, this.#term);
    if (naive.last > 0) log.markPersisted(naive.last, this.#term + 100);
    expect(log.persisted).toBe(naive.last);
  }

  #install(ahead: number, matching: boolean): void {
    const { naive, log } = this;
    this.#store();
    const index = naive.commit + ahead;
    const own = naive.term(index);
    const term = matching && own !== null ? own : this.#term + 1;
    const kept = log.install({ index, term });
    expect(kept).toBe(own === term);
    if (!kept) {
      this.#term = term;
      const before = Array.from({ length: index }, (_, i) => command(i + 1, term, "from the snapshot"));
      naive.entries = before;
      naive.stored = [...before];
    }
    naive.commit = index;
    this.#compacted(index, term);
  }

  #compacted(index: number, term: number): void {
    this.naive.snapshot = index;
    this.naive.snapshotTerm = term;
  }

  check(): void {
    const { naive, log } = this;
    expect([log.first, log.last, log.commit]).toEqual([naive.snapshot + 1, naive.last, naive.commit]);
    expect(log.snapshot).toEqual({ index: naive.snapshot, term: naive.snapshotTerm });
    for (let index = 0; index <= naive.last + 1; index += 1) expect(log.term(index)).toBe(naive.term(index));
    expect(log.lastTerm).toBe(naive.term(naive.last));
    if (naive.last > naive.snapshot) this.#checkEntries();
    for (let term = 0; term <= this.#term + 1; term += 1) this.#checkFindByTerm(naive.last, term);
  }

  #checkEntries(): void {
    const { naive, log } = this;
    const found: Entry[] = [];
    while (found.length < naive.last - naive.snapshot) {
      found.push(...log.entries(naive.snapshot + 1 + found.length, naive.last, 7));
    }
    expect(found).toEqual(naive.entries.slice(naive.snapshot));
  }

  #checkFindByTerm(index: number, term: number): void {
    let expected = this.naive.snapshot;
    for (let i = this.naive.snapshot; i <= index; i += 1) {
      if ((this.naive.term(i) ?? 0) <= term) expected = i;
    }
    expect(this.log.findByTerm(index, term)).toBe(expected);
  }
}

function storedAt(naive: NaiveLog, index: number): Entry {
  const entry = naive.stored[index - 1];
  if (entry === undefined) throw new Error(`the host was never given entry ${index}`);
  return entry;
}

test.each([0, 6, 1000])("behaves as an array does, with a cache of %i bytes", (cacheBytesMax) => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const pair = new Pair(cacheBytesMax);
      for (const step of actions) {
        pair.act(step);
        pair.check();
      }
    }),
    { numRuns: 150 },
  );
});

function filled(): RaftLog {
  const pair = new Pair(1000);
  pair.act({ kind: "append", newTerm: false, count: 4 });
  pair.act({ kind: "store" });
  pair.act({ kind: "commit", pick: 3 });
  return pair.log;
}

test("what is committed is never truncated, compacted ahead, or lowered", () => {
  expect(() => filled().truncateFrom(3)).toThrow("would delete committed entries");
  expect(() => filled().compact(4)).toThrow("only committed, stored entries");
  expect(() => filled().install({ index: 3, term: 1 })).toThrow("must not lower the commit index");
  expect(() => filled().maybeCommit(5)).toThrow("beyond the log's end");
});

test("entries follow each other, and their terms never decrease", () => {
  expect(() => filled().append([command(6, 1, "gap")])).toThrow("does not follow");
  expect(() => filled().append([command(5, 0, "old")])).toThrow("never decrease");
});

test("entries are cut to the bytes asked for, but never to nothing", () => {
  const log = filled();
  expect(log.entries(1, 4, 6).map((entry) => entry.index)).toEqual([1, 2]);
  expect(log.entries(1, 4, 0).map((entry) => entry.index)).toEqual([1]);
});
