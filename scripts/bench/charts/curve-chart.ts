/** Curves on two logarithmic axes, where a power law is a straight line and its slope the exponent. */
import { fitPowerLaw, type Point } from "../fit.ts";
import { short } from "../numbers.ts";
import type { Panel } from "./bar-chart.ts";
import { colourOf, element, FAINT_INK, RULE, type Svg, text } from "./svg.ts";

export interface Series {
  readonly name: string;
  /** In the order of x. */
  readonly points: readonly Point[];
}

export interface CurveChart {
  readonly title: string;
  readonly xLabel: string;
  /** How a number of the x axis is written; `short` when left out. */
  readonly xText?: (x: number) => string;
  readonly series: readonly Series[];
}

interface Axis {
  /** Powers of ten around everything. */
  readonly from: number;
  readonly to: number;
  readonly at: (value: number) => number;
}

const LEFT = 52;
const RIGHT = 16;
const TOP = 34;
const PLOT_HEIGHT = 240;
const LEGEND_ROW = 18;
const BOTTOM = 54;

/** Draws with the upper left corner at 0, 0. */
export function drawCurves(chart: CurveChart, width: number): Panel {
  const points = chart.series.flatMap((series) => series.points).filter(isDrawn);
  const xs = axis(
    points.map(({ x }) => x),
    LEFT,
    width - RIGHT,
    1,
  );
  const ys = axis(
    points.map(({ y }) => y),
    TOP + PLOT_HEIGHT,
    TOP,
    10,
  );
  const parts: Svg[] = [text(0, 18, chart.title, { "font-size": 15, "font-weight": 600 })];
  for (let y = ys.from; y <= ys.to * 1.001; y *= 10) parts.push(...ruleAt(y, ys, width));
  const marks = [...new Set(points.map(({ x }) => x))];
  for (const x of marks) parts.push(...markAt(x, xs, chart.xText ?? short));
  parts.push(
    text((LEFT + width - RIGHT) / 2, TOP + PLOT_HEIGHT + 36, chart.xLabel, {
      "text-anchor": "middle",
      fill: FAINT_INK,
    }),
  );
  for (const [position, series] of chart.series.entries())
    parts.push(...drawSeries(series, position, xs, ys));
  const height = TOP + PLOT_HEIGHT + BOTTOM + chart.series.length * LEGEND_ROW;
  return { svg: element("g", {}, parts), height };
}

function ruleAt(y: number, ys: Axis, width: number): readonly Svg[] {
  const at = ys.at(y);
  return [
    element("line", { x1: LEFT, x2: width - RIGHT, y1: at, y2: at, stroke: RULE }),
    text(LEFT - 6, at + 4, short(y), { "text-anchor": "end", "font-size": 10, fill: FAINT_INK }),
  ];
}

function markAt(x: number, xs: Axis, xText: (x: number) => string): readonly Svg[] {
  const at = xs.at(x);
  const bottom = TOP + PLOT_HEIGHT;
  return [
    element("line", { x1: at, x2: at, y1: bottom, y2: bottom + 4, stroke: FAINT_INK }),
    text(at, bottom + 16, xText(x), { "text-anchor": "middle", "font-size": 10, fill: FAINT_INK }),
  ];
}

function drawSeries({ name, points }: Series, position: number, xs: Axis, ys: Axis): readonly Svg[] {
  const colour = colourOf(position);
  const drawn = points.filter(isDrawn);
  const path = drawn.map(
    ({ x, y }, i) => `${i === 0 ? "M" : "L"}${xs.at(x).toFixed(1)} ${ys.at(y).toFixed(1)}`,
  );
  const legend = TOP + PLOT_HEIGHT + BOTTOM + position * LEGEND_ROW + 6;
  return [
    element("path", { d: path.join(" "), fill: "none", stroke: colour, "stroke-width": 2 }),
    ...drawn.map(({ x, y }) => element("circle", { cx: xs.at(x), cy: ys.at(y), r: 3.2, fill: colour })),
    element("rect", { x: LEFT, y: legend - 9, width: 10, height: 10, rx: 2, fill: colour }),
    text(LEFT + 16, legend, `${name}${slopeText(points)}`),
  ];
}

/** What the legend says of a curve's slope; nothing of fewer than two points. */
export function slopeText(points: readonly Point[]): string {
  const law = fitPowerLaw(points);
  return law === null ? "" : `, exponent ${law.exponent.toFixed(2)} (R² ${law.r2.toFixed(2)})`;
}

/** `step`: the ends are rounded to powers of it; 1 for the ends as they are. */
function axis(values: readonly number[], start: number, end: number, step: 1 | 10): Axis {
  const [low, high] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)];
  const from = step === 1 ? low : 10 ** Math.floor(Math.log10(low));
  const above = step === 1 ? high : 10 ** Math.ceil(Math.log10(high));
  const to = above > from ? above : from * 10;
  const scale = (end - start) / (Math.log(to) - Math.log(from));
  return { from, to, at: (value) => start + (Math.log(value) - Math.log(from)) * scale };
}

function isDrawn({ x, y }: Point): boolean {
  return x > 0 && y > 0 && Number.isFinite(y);
}
