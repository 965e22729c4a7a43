import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitPowerLaw } from "../../scripts/bench/fit.ts";

describe("fitPowerLaw", () => {
  it("finds the law that points were made by", () => {
    const law = {
      exponent: fc.double({ min: -3, max: 3, noNaN: true }),
      factor: fc.integer({ min: 1, max: 1000 }),
    };
    fc.assert(
      fc.property(law.exponent, law.factor, (exponent, factor) => {
        const points = [1, 10, 100, 1000].map((x) => ({ x, y: factor * x ** exponent }));
        const fitted = fitPowerLaw(points);
        expect(fitted?.exponent).toBeCloseTo(exponent, 6);
        expect((fitted?.factor ?? 0) / factor).toBeCloseTo(1, 6);
        expect(fitted?.r2).toBeGreaterThan(0.999);
      }),
    );
  });

  it("says of a constant that it does not grow", () => {
    const points = [1, 10, 100].map((x) => ({ x, y: 5 }));
    expect(fitPowerLaw(points)).toEqual({ exponent: 0, factor: expect.closeTo(5), r2: 1 });
  });

  it("says how badly a law fits", () => {
    const points = [1, 10, 100, 1000].map((x, i) => ({ x, y: i % 2 === 0 ? 1 : 100 }));
    expect(fitPowerLaw(points)?.r2).toBeLessThan(0.5);
  });

  it("leaves out what has no logarithm, and is silent about fewer than two places", () => {
    expect(fitPowerLaw([{ x: 1, y: 1 }])).toBeNull();
    expect(
      fitPowerLaw([
        { x: 1, y: 1 },
        { x: 1, y: 2 },
      ]),
    ).toBeNull();
    expect(
      fitPowerLaw([
        { x: 0, y: 1 },
        { x: 1, y: Number.NaN },
      ]),
    ).toBeNull();
    const points = [
      { x: 1, y: 1 },
      { x: 10, y: 10 },
      { x: 100, y: 0 },
      { x: 1000, y: Number.NaN },
    ];
    expect(fitPowerLaw(points)?.exponent).toBeCloseTo(1);
  });
});
