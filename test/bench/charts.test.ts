import { describe, expect, it } from "vitest";
import { drawBars } from "../../scripts/bench/charts/bar-chart.ts";
import { drawCurves } from "../../scripts/bench/charts/curve-chart.ts";
import { drawFigures } from "../../scripts/bench/charts/figure-chart.ts";
import { stackPanels } from "../../scripts/bench/charts/stack.ts";
import { element, text } from "../../scripts/bench/charts/svg.ts";

/** Every number that places or sizes something. */
function numbersOf(source: string): readonly number[] {
  return [...source.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy|r|width|height)="([^"]*)"/g)].map(([, n]) =>
    Number(n),
  );
}

/** Names of elements that are open when the text ends, or closed out of turn. */
function unbalanced(source: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name = "", end] of source.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (end === "/") continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) return [name];
  }
  return open;
}

const BARS = {
  title: "rates <all>",
  series: ["1", "32"],
  groups: [
    {
      name: 'one "group" & more',
      rows: [
        {
          name: "put",
          bars: [
            { value: 10, label: "10/s" },
            { value: 40, label: "40/s" },
          ],
        },
        { name: "get", bars: [null, { value: Number.NaN, label: "-" }] },
      ],
    },
  ],
};

it("what is written into a picture is escaped", () => {
  expect(text(0, 0, "a<b & c").source).toContain("a&lt;b &amp; c");
  expect(element("g", { id: '"' }).source).toBe('<g id="&quot;"/>');
});

describe("bars", () => {
  it("are as long as what they stand for, and leave out what was not measured", () => {
    const { source } = drawBars(BARS, 900).svg;
    const widths = [...source.matchAll(/width="([\d.]+)" height="11"/g)].map(([, width]) => Number(width));
    expect(widths).toHaveLength(2);
    expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(4, 2);
  });
});

describe("curves", () => {
  const series = [
    {
      name: "puts",
      points: [
        { x: 1, y: 1000 },
        { x: 100, y: 100 },
        { x: 10_000, y: 10 },
      ],
    },
  ];

  it("a power law is a straight line, and its exponent is written", () => {
    const { source } = drawCurves({ title: "t", xLabel: "keys", series }, 600).svg;
    expect(source).toContain("puts, exponent -0.50 (R² 1.00)");
    const xs = [...source.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = xs;
    expect((y1 - y0) / (x1 - x0)).toBeCloseTo((y2 - y1) / (x2 - x1), 2);
  });

  it("of one point, of none, and of what has no logarithm can be drawn", () => {
    for (const points of [
      [],
      [{ x: 1, y: 1 }],
      [{ x: 1, y: 0 }],
      [
        { x: 10, y: Number.NaN },
        { x: 1, y: 1 },
      ],
    ]) {
      const { source } = drawCurves({ title: "t", xLabel: "x", series: [{ name: "s", points }] }, 600).svg;
      expect(numbersOf(source).every(Number.isFinite)).toBe(true);
    }
  });
});

it("a file is whole: balanced, with all panels on its paper and nothing that is no number", () => {
  const value = { median: 0.5, min: 0.4, max: 2 };
  const figures = [
    { name: "a / b", value, cpu: 2, goal: { kind: "at least", value: 1 } as const, note: "" },
    {
      name: "c",
      value: { median: Number.NaN, min: Number.NaN, max: Number.NaN },
      cpu: Number.NaN,
      goal: null,
      note: "",
    },
  ];
  const rows = [
    { panels: [(width: number) => drawFigures("figures", figures, width)] },
    { panels: [(width: number) => drawBars(BARS, width), (width: number) => drawBars(BARS, width)] },
  ];
  const file = stackPanels("title", "subtitle", rows, 1_000);
  expect(unbalanced(file)).toEqual([]);
  expect(numbersOf(file).every((number) => Number.isFinite(number) && number >= 0)).toBe(true);
  expect(file).not.toContain("NaN");
  const paper = Number(/ height="([\d.]+)"/.exec(file)?.[1]);
  expect(paper).toBeGreaterThan(drawBars(BARS, 400).height);
});
