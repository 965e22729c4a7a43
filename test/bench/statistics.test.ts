import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median, quantile, ratios, spreadOf } from "../../scripts/bench/statistics.ts";

describe("median", () => {
  it("is the middle, or the mean of the middle two, in any order", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });

  it("has as many numbers below it as above", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (numbers) => {
        const middle = median(numbers);
        const below = numbers.filter((number) => number < middle).length;
        const above = numbers.filter((number) => number > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(numbers.length / 2);
      }),
    );
  });
});

it("quantile: the value below which the share lies", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(quantile(hundred, 0)).toBe(1);
  expect(quantile(hundred, 0.5)).toBe(51);
  expect(quantile(hundred, 0.99)).toBe(100);
  expect(quantile(hundred, 1)).toBe(100);
  expect(quantile([], 0.5)).toBeNaN();
});

it("ratios are those of the same round, and what both share divides out", () => {
  expect(ratios([10, 5], [20, 10])).toEqual([0.5, 0.5]);
  expect(ratios([1, 2, 3], [1])).toEqual([1]);
});

it("spreadOf: the median with both ends", () => {
  expect(spreadOf([2, 1, 9])).toEqual({ median: 2, min: 1, max: 9 });
  expect(spreadOf([]).median).toBeNaN();
});
