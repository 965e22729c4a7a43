/** Bars in groups: one row a thing, one bar for each series, with what it amounts to behind it. */
import { colourOf, element, FAINT_INK, RULE, type Svg, text } from "./svg.ts";

export interface Bar {
  readonly value: number;
  /** Written behind the bar. */
  readonly label: string;
}

export interface BarRow {
  readonly name: string;
  /** In the order of the series; null where nothing was measured. */
  readonly bars: readonly (Bar | null)[];
}

export interface BarGroup {
  readonly name: string;
  readonly rows: readonly BarRow[];
}

export interface BarChart {
  readonly title: string;
  readonly series: readonly string[];
  readonly groups: readonly BarGroup[];
}

/** A part of a picture with the height that it takes. */
export interface Panel {
  readonly svg: Svg;
  readonly height: number;
}

const BAR = 11;
const BAR_GAP = 2;
const ROW_GAP = 9;
const GROUP_HEAD = 30;
const TITLE_HEIGHT = 48;
const NAME_WIDTH = 210;
const LABEL_WIDTH = 230;
const SWATCH = 90;

/** Draws with the upper left corner at 0, 0. */
export function drawBars({ title, series, groups }: BarChart, width: number): Panel {
  const values = groups.flatMap(({ rows }) => rows.flatMap(({ bars }) => bars.map((bar) => bar?.value ?? 0)));
  const unit = (width - NAME_WIDTH - LABEL_WIDTH) / Math.max(1, ...values.filter(Number.isFinite));
  const parts: Svg[] = [text(0, 18, title, { "font-size": 15, "font-weight": 600 })];
  for (const [position, name] of series.entries()) {
    const x = NAME_WIDTH + position * (SWATCH + 50);
    parts.push(element("rect", { x, y: 27, width: 10, height: 10, rx: 2, fill: colourOf(position) }));
    parts.push(text(x + 15, 36, name, { fill: FAINT_INK }));
  }
  let y = TITLE_HEIGHT;
  for (const { name, rows } of groups) {
    parts.push(element("line", { x1: 0, x2: width, y1: y + 5, y2: y + 5, stroke: RULE }));
    parts.push(text(0, y + 21, name, { "font-weight": 600 }));
    y += GROUP_HEAD;
    for (const row of rows) {
      parts.push(...drawRow(row, y, unit));
      y += row.bars.length * (BAR + BAR_GAP) + ROW_GAP;
    }
  }
  return { svg: element("g", {}, parts), height: y };
}

function drawRow({ name, bars }: BarRow, top: number, unit: number): readonly Svg[] {
  const middle = top + (bars.length * (BAR + BAR_GAP)) / 2 + 3;
  const parts: Svg[] = [text(NAME_WIDTH - 10, middle, name, { "text-anchor": "end" })];
  for (const [position, bar] of bars.entries()) {
    if (bar === null || !Number.isFinite(bar.value)) continue;
    const y = top + position * (BAR + BAR_GAP);
    const width = Math.max(1, bar.value * unit);
    parts.push(
      element("rect", { x: NAME_WIDTH, y, width, height: BAR, rx: 1.5, fill: colourOf(position) }),
      text(NAME_WIDTH + width + 6, y + BAR - 1.5, bar.label, { "font-size": 10, fill: FAINT_INK }),
    );
  }
  return parts;
}
