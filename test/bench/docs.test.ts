import { expect, it } from "vitest";
import { replaceMarked } from "../../scripts/bench/docs.ts";
import { Points } from "../../scripts/bench/scale/curve.ts";
import { scattered } from "../../scripts/bench/scale/load-http.ts";
import { curveChart, curveTable } from "../../scripts/bench/scale/scale-report.ts";

const PAGE =
  "# Title\n<!-- a: begin -->\nold\n<!-- a: end -->\nbetween\n<!-- b: begin --><!-- b: end -->\nlast\n";

it("a part is replaced and nothing else; twice is as once", () => {
  const once = replaceMarked(PAGE, "a", "new\n\nlines\n");
  expect(once).toBe(PAGE.replace("old", "new\n\nlines"));
  expect(replaceMarked(once, "a", "new\n\nlines")).toBe(once);
  expect(replaceMarked(PAGE, "b", "x")).toContain("<!-- b: begin -->\nx\n<!-- b: end -->");
});

it("a page without the marks is left alone", () => {
  expect(() => replaceMarked(PAGE, "c", "x")).toThrow(/no marks/);
  expect(() => replaceMarked("<!-- a: end --><!-- a: begin -->", "a", "x")).toThrow(/no marks/);
});

it("curves: a line for each point and one of exponents; what was not measured is a dash", () => {
  const points = new Points();
  for (const x of [64, 1024]) points.add("put", x, x * 2);
  points.add("get", 64, 7);
  const curve = {
    id: "value-size",
    title: "Size of values",
    xLabel: "bytes",
    xUnit: "bytes",
    panels: [{ title: "A second", series: points.of("put", "absent", "get") }],
    facts: [],
  } as const;
  expect(curveTable(curve)).toEqual({
    head: ["size of values", "put", "get"],
    rows: [
      ["64 B", "128", "7.00"],
      ["1 KiB", "2,050", "-"],
      ["exponent", "1.00", "-"],
    ],
  });
  expect(curveChart(curve, "subtitle")).toContain("1 KiB");
});

it("scattered numbers stay below their bound and reach most of it", () => {
  const seen = new Set<number>();
  for (let connection = 0; connection < 32; connection += 1) {
    for (let n = 0; n < 200; n += 1) seen.add(scattered(connection, n, 1_000));
  }
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...seen)).toBeLessThan(1_000);
  expect(seen.size).toBeGreaterThan(900);
});
