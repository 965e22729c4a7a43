import { describe, expect, it } from "vitest";
import { failoverFigure, isReached, type Rounds, ratioFigures } from "../../scripts/bench/figures.ts";

function rounds(target: string, connections: number, rates: readonly number[]): Rounds {
  const [p50s, p99s] = [rates.map(() => 2), rates.map((_, i) => 8 + 2 * i)];
  return { target, connections, rates, p50s, p99s, cpus: rates.map((rate) => 1_000 / rate) };
}

describe("ratioFigures", () => {
  it("divides round by round and compares the median with the goal", () => {
    const all = [rounds("one-put", 32, [100, 300, 150]), rounds("plain-put", 32, [100, 200, 100])];
    const figure = ratioFigures(all).find(({ name }) => name === "put / plain object's put");
    expect(figure?.value).toEqual({ median: 1.5, min: 1, max: 1.5 });
    expect(figure?.cpu).toBeCloseTo(2 / 3);
    expect(figure === undefined ? null : isReached(figure)).toBe(true);
  });

  it("is of 32 connections, or of the most below when those were not measured", () => {
    const all = [1, 32, 128].flatMap((connections) => [
      rounds("one-put", connections, [connections]),
      rounds("noop", connections, [1]),
    ]);
    const of = (measured: readonly Rounds[]): number | undefined =>
      ratioFigures(measured).find(({ name }) => name === "put / call that does nothing")?.value.median;
    expect(of(all)).toBe(32);
    expect(of(all.filter(({ connections }) => connections !== 32))).toBe(1);
    expect(of(all.filter(({ connections }) => connections === 128))).toBeUndefined();
  });

  it("leaves out what was not measured", () => {
    expect(ratioFigures([rounds("noop", 32, [1])])).toEqual([]);
    expect(ratioFigures([rounds("one-put", 32, [1])]).map(({ name }) => name)).toEqual(["p99 / p50 of puts"]);
  });

  it("a tail is a ratio too, and smaller is better", () => {
    const [figure] = ratioFigures([rounds("one-put", 32, [1, 1, 1])]);
    expect(figure?.value).toEqual({ median: 5, min: 4, max: 6 });
    expect(figure === undefined ? null : isReached(figure)).toBe(true);
  });
});

describe("failoverFigure", () => {
  it("is in election timeouts", () => {
    const figure = failoverFigure([3_000, 1_500, 6_000], 1_500);
    expect(figure.value).toEqual({ median: 2, min: 1, max: 4 });
    expect(isReached(figure)).toBe(true);
    expect(isReached(failoverFigure([6_000], 1_500))).toBe(false);
  });
});

it("without a goal nothing is reached or missed", () => {
  const value = { median: 1, min: 1, max: 1 };
  expect(isReached({ name: "", value, cpu: 1, goal: null, note: "" })).toBeNull();
});
