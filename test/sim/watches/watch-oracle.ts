/**
 * What one watcher may be told: exactly the changes it wants, in their order, from where it began,
 * whole revisions at a time; and no bookmark that passes one of them.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { toHex } from "../../../src/base/bytes.ts";
import type { WatchEvent, WatchRange } from "../../../src/engine/replica-api.ts";
import type { Telling } from "../../../src/gateway/watch/watched-range.ts";
import { Event_EventType, EventSchema, KeyValueSchema } from "../../../src/wire/gen/etcd/kv_pb.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { NaiveStore, Version } from "../oracle/naive-store.ts";
import { pairOf } from "../oracle/operations/pair.ts";

export type Wanted = Omit<WatchRange, "from">;

export class WatchOracle {
  readonly #store: NaiveStore;
  readonly #wanted: Wanted;
  readonly #name: string;
  readonly #start: number;
  /** Versions before it were told or are not wanted. */
  #next = 0;
  /** The last revision told, and if its end was. */
  #told = { revision: 0, isWhole: true };

  /** `name` for reports; `start` is the first revision wanted. */
  constructor(store: NaiveStore, wanted: Wanted, start: number, name: string) {
    this.#store = store;
    this.#wanted = wanted;
    this.#start = start;
    this.#name = name;
  }

  /** Every change that happened was told. */
  get isUpToDate(): boolean {
    return this.#expected() === null;
  }

  /** From where a client resumes that knows nothing but what it was told. */
  get resumeRevision(): number {
    const { revision, isWhole } = this.#told;
    if (revision === 0) return this.#start;
    return isWhole ? revision + 1 : revision;
  }

  told({ events, isFragment }: Telling): void {
    if (events.length === 0) this.#violated("watch-reliable", "was told nothing");
    for (const event of events) this.#one(event);
    const more = this.#expected();
    const hasMore = more !== null && more.main === this.#told.revision;
    if (hasMore && !isFragment) {
      this.#violated("watch-atomic", `was told revision ${this.#told.revision} without ${keyOf(more)}`);
    }
    if (!hasMore && isFragment) this.#violated("watch-atomic", "the last part is called a fragment");
    this.#told = { ...this.#told, isWhole: !isFragment };
  }

  /** Everything up to `revision` is said to be told. */
  bookmark(revision: number): void {
    const missing = this.#expected();
    if (missing === null || missing.main > revision) return;
    this.#violated("watch-bookmark", `${revision} passes ${keyOf(missing)} of revision ${missing.main}`);
  }

  compacted(compactRevision: number): void {
    const next = this.#told.isWhole ? this.resumeRevision : this.#told.revision;
    // As in etcd it may be late though nothing that it wants was compacted.
    if (compactRevision <= this.#store.compactRevision && compactRevision > next) return;
    const compactedTo = this.#store.compactRevision;
    this.#violated("watch-compacted", `at ${next}: told ${compactRevision}, compacted is ${compactedTo}`);
  }

  #one(event: WatchEvent): void {
    const expected = this.#expected();
    const { at } = event;
    if (expected === null) {
      this.#violated("watch-unique", `was told revision ${at.revision}.${at.sub}, and nothing is due`);
    }
    if (at.revision !== expected.main || at.sub !== expected.sub) {
      const due = `${expected.main}.${expected.sub}`;
      this.#violated("watch-ordered", `was told revision ${at.revision}.${at.sub} where ${due} is due`);
    }
    this.#compare(event, expected);
    this.#next = expected.ord;
    this.#told = { revision: at.revision, isWhole: false };
  }

  #compare(event: WatchEvent, expected: Version): void {
    const { type, kv } = fromBinary(EventSchema, event.event);
    const { key, main, create, version, value, lease } = expected;
    const isDelete = type === Event_EventType.DELETE;
    const told = kv === undefined ? null : pairOf(kv);
    const due = { key, create, mod: main, version, value: value ?? "", lease: String(lease) };
    if (isDelete !== (value === null) || JSON.stringify(told) !== JSON.stringify(due)) {
      this.#violated("watch-events", `was told ${JSON.stringify(told)}, due is ${JSON.stringify(due)}`);
    }
    if (!this.#wanted.prevKv) return;
    const before = this.#store.live(key, main - 1);
    const toldBefore = event.prevKv === null ? null : pairOf(fromBinary(KeyValueSchema, event.prevKv));
    // Compaction may have come between.
    if (toldBefore === null && main - 1 < this.#store.compactRevision) return;
    if (JSON.stringify(toldBefore) === JSON.stringify(before)) return;
    const dueBefore = JSON.stringify(before);
    this.#violated("watch-prev-kv", `of ${main} was told ${JSON.stringify(toldBefore)}, due is ${dueBefore}`);
  }

  /** The next change it must be told; null: there is none yet. */
  #expected(): Version | null {
    const { versions } = this.#store;
    for (; this.#next < versions.length; this.#next += 1) {
      const version = versions[this.#next];
      if (version !== undefined && version.main >= this.#start && this.#isWanted(version)) return version;
    }
    return null;
  }

  #isWanted({ key, value }: Version): boolean {
    const { noPut, noDelete, rangeEnd } = this.#wanted;
    if (value === null ? noDelete : noPut) return false;
    const from = toHex(this.#wanted.key);
    const end = toHex(rangeEnd);
    if (end === "") return key === from;
    return key >= from && (end === "00" || key < end);
  }

  #violated(invariant: string, what: string): never {
    return violated(invariant, `${this.#name} ${what}`);
  }
}

function keyOf({ key, main, sub }: Version): string {
  return `${main}.${sub} of key ${key}`;
}
