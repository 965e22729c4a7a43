import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes } from "../../../src/base/bytes.ts";
import type { Interval } from "../../../src/mvcc/interval.ts";
import { IntervalIndex } from "../../../src/mvcc/watch/interval-index.ts";
import { bytes } from "../harness.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 3 }).map(bytes);
const interval: fc.Arbitrary<Interval> = fc.oneof(
  key.map((only) => ({ kind: "key" as const, key: only })),
  fc.tuple(key, fc.option(key)).map(([from, end]) => ({ kind: "span" as const, from, end })),
);

function holds(where: Interval, candidate: Uint8Array): boolean {
  if (where.kind === "key") return compareBytes(where.key, candidate) === 0;
  if (compareBytes(where.from, candidate) > 0) return false;
  return where.end === null || compareBytes(candidate, where.end) < 0;
}

test("finds exactly those whose interval holds the key, whatever came and went", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), interval, item: fc.nat(40) }),
    fc.record({ kind: fc.constant("remove" as const), place: fc.nat() }),
    fc.record({ kind: fc.constant("match" as const), key }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const index = new IntervalIndex<number>();
      const added: { interval: Interval; item: number }[] = [];
      for (const each of steps) {
        if (each.kind === "add") {
          // One item has one interval, as each watched range has.
          const item = added.length + 1_000 * each.item;
          index.add(each.interval, item);
          added.push({ interval: each.interval, item });
        } else if (each.kind === "remove") {
          const gone = added.splice(each.place % Math.max(1, added.length), 1)[0];
          if (gone !== undefined) index.remove(gone.interval, gone.item);
        } else {
          const expected = added.filter((one) => holds(one.interval, each.key)).map(({ item }) => item);
          expect(index.match(each.key).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
        }
      }
    }),
    { numRuns: 400 },
  );
});

test("what a key costs does not depend on how many others there are", () => {
  const index = new IntervalIndex<number>();
  const compared = { count: 0 };
  for (let i = 0; i < 20_000; i += 1) {
    const name = String(i).padStart(6, "0");
    const from = bytes(`${name}/`);
    const counting = new Proxy(from, {
      get: (target, property) => {
        if (property === "0") compared.count += 1;
        const value: unknown = Reflect.get(target, property, target);
        return value;
      },
    });
    index.add({ kind: "span", from: counting, end: bytes(`${name}0`) }, i);
  }
  compared.count = 0;
  expect(index.match(bytes("012345/x"))).toEqual([12_345]);
  // A tree of 20,000 is some 40 deep at worst.
  expect(compared.count).toBeLessThan(200);
});
