/** The log on rows beside a plain array, through everything that a replica does to it. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { INITIAL_MVCC_STATE } from "../../src/mvcc/mvcc-state.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, entryBytes } from "../../src/raft/types.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { SqlReplicaStorage } from "../../src/storage/replica-storage.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";

const identity = { cluster: "c", clusterId: "1", member: "a", memberId: "2", incarnation: "i" };
const configuration = simpleConfiguration(["2", "3"]);

type Kind = Entry["kind"];
type Step =
  | { readonly kind: "append"; readonly sizes: readonly (number | Exclude<Kind, "command">)[] }
  | { readonly kind: "truncate" | "compact" | "install"; readonly share: number; readonly keep: boolean }
  | { readonly kind: "commit"; readonly share: number }
  | { readonly kind: "restart" | "term" };

const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 2, arbitrary: fc.integer({ min: 40, max: 160 }) },
  { weight: 1, arbitrary: fc.constantFrom("empty" as const, "configuration" as const) },
);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("truncate" as const, "compact" as const, "install" as const),
      share,
      keep: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit" as const), share }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "term" as const) }) },
);

class Bench {
  readonly #sql = new NodeSql();
  #storage = new SqlReplicaStorage(this.#sql);
  /** Entries after `base`. */
  #model: Entry[] = [];
  #base = 0;
  #commit = 0;
  #term = 1;
  #written = 0;

  constructor() {
    this.#storage.found(identity, configuration);
  }

  get #last(): number {
    return this.#base + this.#model.length;
  }

  do(step: Step): void {
    this.#storage.turn(() => {
      this.#act(step);
      // Bytes are stored when something else is.
      this.#storage.fence();
      this.#storage.flush(0);
    });
    if (step.kind === "restart") this.#storage = new SqlReplicaStorage(this.#sql);
    this.#check();
  }

  #act(step: Step): void {
    const { kind } = step;
    if (kind === "append") this.#append(step.sizes);
    else if (kind === "commit") this.#commitTo(this.#commit + part(step.share, this.#last - this.#commit));
    else if (kind === "truncate")
      this.#truncate(this.#commit + 1 + part(step.share, this.#last - this.#commit));
    else if (kind === "compact") this.#compact(this.#base + part(step.share, this.#commit - this.#base));
    else if (kind === "install") this.#install(this.#commit + 1 + part(step.share, 8), step.keep);
    else if (kind === "term") this.#term += 1;
  }

  #commitTo(index: number): void {
    this.#commit = index;
    this.#storage.setCommit(index);
    this.#storage.setApplied(index, INITIAL_MVCC_STATE);
  }

  #append(sizes: readonly (number | Exclude<Kind, "command">)[]): void {
    const entries = sizes.map((size, i): Entry => {
      const at = { index: this.#last + 1 + i, term: this.#term };
      if (size === "empty") return { ...at, kind: size };
      if (size === "configuration") return { ...at, kind: size, configuration };
      this.#written += 1;
      return { ...at, kind: "command", data: new Uint8Array(size).fill(this.#written) };
    });
    this.#storage.append(entries);
    this.#model.push(...entries);
  }

  #truncate(index: number): void {
    if (index > this.#last) return;
    this.#storage.truncateFrom(index);
    this.#model.length = index - this.#base - 1;
  }

  #compact(index: number): void {
    if (index <= this.#base) return;
    const { term } = this.#model[index - this.#base - 1] ?? { term: 0 };
    this.#storage.compact({ index, term });
    this.#model = this.#model.slice(index - this.#base);
    this.#base = index;
  }

  #install(index: number, keep: boolean): void {
    const keeps = keep && index < this.#last;
    const term = this.#model[index - this.#base - 1]?.term ?? this.#term;
    this.#storage.installSnapshot({ index, term }, { index: 0, configuration }, keeps);
    this.#commitTo(index);
    this.#model = keeps ? this.#model.slice(index - this.#base) : [];
    this.#base = index;
  }

  #check(): void {
    const [first, last] = [this.#base + 1, this.#last];
    // `load` asserts that the log begins after its snapshot.
    expect(new SqlReplicaStorage(this.#sql).load()?.boot.lastIndex).toBe(last);
    expect(this.#storage.logBytes).toBe(this.#model.reduce((sum, entry) => sum + entryBytes(entry), 0));
    const { reader } = this.#storage;
    expect(() => reader.term(last + 1)).toThrow(/no entry/);
    if (last < first) return;
    expect(reader.entries(first, last, 1e9)).toEqual(this.#model);
    const middle = Math.ceil((first + last) / 2);
    expect(reader.entries(middle, last, 100)).toEqual(cut(this.#model.slice(middle - first), 100));
    expect(reader.entries(first, middle, 60)).toEqual(cut(this.#model.slice(0, middle - first + 1), 60));
    for (const { index, term } of this.#model) expect(reader.term(index)).toBe(term);
  }
}

/** A whole number from 0 to `most`. */
function part(share: number, most: number): number {
  return Math.min(most, Math.floor(share * (most + 1)));
}

/** What fits the bytes, at least one. */
function cut(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  const beyond = entries.findIndex((entry, i) => {
    bytes += entryBytes(entry);
    return i > 0 && bytes > bytesMax;
  });
  return beyond === -1 ? entries : entries.slice(0, beyond);
}

describe("the log's rows", () => {
  let restore = (): void => undefined;
  afterEach(() => restore());

  it.each([
    [200, 5],
    [200, 64],
    [60, 64],
    [3_900, 64],
    [1, 1],
  ])("hold what a list would, with rows of %i bytes and %i entries", (logRowBytesMax, logRowEntriesMax) => {
    restore = overrideLimits({ logRowBytesMax, logRowEntriesMax });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bench = new Bench();
        for (const one of steps) bench.do(one);
      }),
      { numRuns: 150 },
    );
  });
});
