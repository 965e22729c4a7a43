import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes } from "../../../src/base/bytes.ts";
import { KeySet } from "../../../src/mvcc/auth/key-set.ts";
import { type Interval, intervalOf } from "../../../src/mvcc/interval.ts";

/** Every key of up to two bytes out of a small alphabet: enough to tell intervals of such ends apart. */
const ALPHABET = [0, 1, 2, 255];
const KEYS: readonly Uint8Array[] = [
  ...ALPHABET.map((a) => Uint8Array.of(a)),
  ...ALPHABET.flatMap((a) => ALPHABET.map((b) => Uint8Array.of(a, b))),
  ...ALPHABET.flatMap((a) => ALPHABET.map((b) => Uint8Array.of(a, b, 0))),
];

const arbitraryKey = fc
  .array(fc.constantFrom(...ALPHABET), { minLength: 1, maxLength: 2 })
  .map((list) => Uint8Array.from(list));
const arbitraryInterval = fc.oneof(
  arbitraryKey.map((key) => intervalOf(key, new Uint8Array())),
  fc.tuple(arbitraryKey, arbitraryKey).map(([key, end]) => intervalOf(key, end)),
  arbitraryKey.map((key) => intervalOf(key, Uint8Array.of(0))),
);

function holds(interval: Interval, key: Uint8Array): boolean {
  if (interval.kind === "key") return compareBytes(interval.key, key) === 0;
  const isFrom = compareBytes(interval.from, key) <= 0;
  return isFrom && (interval.end === null || compareBytes(key, interval.end) < 0);
}

test("covers what every key of is permitted by some interval", () => {
  fc.assert(
    fc.property(fc.array(arbitraryInterval, { maxLength: 5 }), arbitraryInterval, (allowed, asked) => {
      const meant = KEYS.filter((key) => holds(asked, key));
      const naive = meant.every((key) => allowed.some((interval) => holds(interval, key)));
      const covers = new KeySet(allowed).covers(asked);
      // Never more than is permitted; and all of it, where there are keys that tell.
      if (covers) expect(naive).toBe(true);
      else if (meant.length > 0 && isOpen(asked) === false) expect(naive).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test("gaps hold exactly the keys that are not covered, in order", () => {
  fc.assert(
    fc.property(fc.array(arbitraryInterval, { maxLength: 5 }), (allowed) => {
      const gaps = [...new KeySet(allowed).gaps()];
      for (const key of KEYS) {
        const isCovered = allowed.some((interval) => holds(interval, key));
        expect(gaps.some((gap) => holds(gap, key))).toBe(!isCovered);
      }
      for (const [place, gap] of gaps.entries()) {
        const next = gaps[place + 1];
        if (next !== undefined) expect(compareBytes(gap.end ?? new Uint8Array(), next.from)).toBeLessThan(0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  [
    "adjoining intervals add up",
    [
      ["a", "c"],
      ["c", "e"],
    ],
    ["a", "e"],
    true,
  ],
  [
    "a key closes a gap of one key",
    [
      ["a", "b"],
      ["b", ""],
      ["b\0", "c"],
    ],
    ["a", "c"],
    true,
  ],
  [
    "a gap is a gap",
    [
      ["a", "b"],
      ["b\0", "c"],
    ],
    ["a", "c"],
    false,
  ],
  ["an open end covers an open end", [["b", "\0"]], ["c", "\0"], true],
  ["a long interval is not open", [["b", "\xff\xff"]], ["c", "\0"], false],
  ["an upside-down permission permits nothing", [["c", "a"]], ["b", ""], false],
  ["an empty permission permits nothing", [["", "\0"]], ["a", ""], false],
  ["an empty interval needs its start", [["a", "c"]], ["b\0", "b"], true],
  ["an empty interval needs no more than its start", [["b", "c"]], ["b\0", "a"], true],
  ["an empty interval begins where nothing is permitted", [["a", "b"]], ["c", "a"], false],
  ["an empty interval beyond", [["a", "c"]], ["d", "b"], false],
] as const)("%s", (_name, allowed, [key, end], expected) => {
  const encoder = new TextEncoder();
  const interval = ([from, to]: readonly [string, string]): Interval =>
    intervalOf(encoder.encode(from), encoder.encode(to));
  expect(new KeySet(allowed.map(interval)).covers(interval([key, end]))).toBe(expected);
});

function isOpen(interval: Interval): boolean {
  return interval.kind === "span" && interval.end === null;
}
