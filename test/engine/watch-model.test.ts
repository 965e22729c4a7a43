/**
 * Watchers that follow a store through answers of all sizes, from history and by waiting, against a
 * plain list of everything that was ever written.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes } from "../../src/base/bytes.ts";
import type { HistoryPosition, WatchRange } from "../../src/engine/replica-api.ts";
import type { WatchFindings } from "../../src/engine/watch-reader.ts";
import { intervalOf } from "../../src/mvcc/interval.ts";
import type { Command } from "../../src/wire/gen/edged_pb.ts";
import { bytes, compactOf, deleteOf, putOf, txnOf } from "../mvcc/harness.ts";
import { callOf, WatchStore } from "./watch-store.ts";

const KEYS = ["a", "b", "c", "d"];
const key = fc.constantFrom(...KEYS).map(bytes);
const end = fc.constantFrom("", "b", "d", "\0").map(bytes);
const value = fc.integer({ min: 0, max: 200 }).map((length) => bytes("v".repeat(length)));

const put = fc.record({ key, value });
const command: fc.Arbitrary<Command | "compact"> = fc.oneof(
  { weight: 6, arbitrary: put.map(putOf) },
  { weight: 2, arbitrary: fc.record({ key, rangeEnd: end }).map((request) => deleteOf(request)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.uniqueArray(put, { minLength: 1, maxLength: 4, selector: (one) => one.key[0] }), end)
      .map(([puts]) =>
        txnOf({ success: puts.map((request) => ({ request: { case: "requestPut", value: request } })) }),
      ),
  },
  { weight: 1, arbitrary: fc.constant("compact" as const) },
);

const watcher = fc.record({
  range: fc.record({
    key,
    rangeEnd: end,
    noPut: fc.boolean(),
    noDelete: fc.boolean(),
    prevKv: fc.boolean(),
  }),
  start: fc.integer({ min: 1, max: 30 }),
});

const step = fc.oneof(
  { weight: 3, arbitrary: fc.array(command, { minLength: 1, maxLength: 6 }) },
  { weight: 3, arbitrary: fc.constant("ask" as const) },
  { weight: 1, arbitrary: fc.constant("expire" as const) },
);

/** revision.sub of every change, oldest first. */
interface Written {
  readonly at: HistoryPosition;
  readonly key: Uint8Array;
  readonly isDelete: boolean;
}

class Follower {
  readonly range: Omit<WatchRange, "from">;
  position: HistoryPosition;
  readonly told: string[] = [];
  isWaiting = false;
  compactedAt: number | null = null;
  readonly #bytesMax: number;

  constructor(range: Omit<WatchRange, "from">, start: number, bytesMax: number) {
    this.range = range;
    this.position = { revision: start, sub: 0 };
    this.#bytesMax = bytesMax;
  }

  ask(watched: WatchStore, stream: string): void {
    if (this.isWaiting || this.compactedAt !== null) return;
    const ranges = [{ ...this.range, from: this.position }];
    this.isWaiting = true;
    watched.watch(callOf(ranges, { stream, waitMs: 100, bytesMax: this.#bytesMax }), 0, (answer) =>
      this.#take(answer, watched),
    );
  }

  #take({ events, next, compacted, compactRevision }: WatchFindings, watched: WatchStore): void {
    this.isWaiting = false;
    if (compacted.length > 0) {
      expect(this.position.revision).toBeLessThan(compactRevision);
      this.compactedAt = compactRevision;
      return;
    }
    const { revision } = watched.store.machine.state();
    expect(next.revision).toBeLessThanOrEqual(revision + 1);
    for (const { at } of events) this.told.push(nameOf(at));
    const cut = events.filter(({ at }) => at.revision === next.revision);
    if (next.sub > 0) {
      // Only a revision that is too large alone is ever cut.
      expect(cut).toHaveLength(events.length);
    } else {
      expect(cut).toEqual([]);
    }
    if (isBefore(this.position, next)) this.position = next;
  }
}

function isBefore(a: HistoryPosition, b: HistoryPosition): boolean {
  return a.revision < b.revision || (a.revision === b.revision && a.sub < b.sub);
}

function nameOf({ revision, sub }: HistoryPosition): string {
  return `${revision}.${sub}`;
}

function isWanted(range: Omit<WatchRange, "from">, written: Written): boolean {
  if (written.isDelete ? range.noDelete : range.noPut) return false;
  const interval = intervalOf(range.key, range.rangeEnd);
  if (interval.kind === "key") return compareBytes(interval.key, written.key) === 0;
  if (compareBytes(interval.from, written.key) > 0) return false;
  return interval.end === null || compareBytes(written.key, interval.end) < 0;
}

test("every wanted change is told once, in order, whole revisions at a time, or the watcher is told that it is late", () => {
  fc.assert(
    fc.property(
      fc.array(watcher, { minLength: 1, maxLength: 4 }),
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom(1, 300, 1_000, 100_000),
      (watchers, steps, bytesMax) => {
        const watched = new WatchStore();
        const written: Written[] = [];
        const followers = watchers.map(({ range, start }) => new Follower(range, start, bytesMax));
        let ord = 0;
        const apply = (commands: readonly (Command | "compact")[]): void => {
          const { revision } = watched.store.machine.state();
          watched.apply(...commands.map((one) => (one === "compact" ? compactOf(revision) : one)));
          for (const change of watched.history().changesAfter(ord, 10_000)) {
            const at = { revision: change.main, sub: change.sub };
            written.push({ at, key: change.key, isDelete: change.version === 0 });
            ord = change.ord;
          }
          watched.store.collect(3);
        };
        const askAll = (): void => {
          followers.forEach((follower, place) => {
            follower.ask(watched, `f${place}`);
          });
        };
        for (const each of steps) {
          if (each === "ask") askAll();
          else if (each === "expire") watched.hub.expire(1_000);
          else apply(each);
        }
        const { revision } = watched.store.machine.state();
        for (let rounds = 0; rounds < 2_000; rounds += 1) {
          askAll();
          watched.hub.expire(1_000);
          const isDone = followers.every(
            ({ compactedAt, position }) => compactedAt !== null || position.revision > revision,
          );
          if (isDone) break;
        }
        followers.forEach(({ range, told, compactedAt, position }, place) => {
          const start = watchers[place]?.start ?? 0;
          const all = written.filter((change) => isWanted(range, change) && change.at.revision >= start);
          const reached = compactedAt === null ? all : all.filter(({ at }) => isBefore(at, position));
          expect(told).toEqual(reached.map(({ at }) => nameOf(at)));
          if (compactedAt === null && start <= revision) expect(position.revision).toBe(revision + 1);
        });
      },
    ),
    { numRuns: 300 },
  );
});
