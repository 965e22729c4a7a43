/** Figures beside their goals: a bar to the median, a whisker over all rounds, a mark at the goal. */
import { type Figure, isReached } from "../figures.ts";
import { significant } from "../numbers.ts";
import type { Panel } from "./bar-chart.ts";
import { BAD, colourOf, element, FAINT_INK, GOOD, INK, type Svg, text } from "./svg.ts";

const NAME_WIDTH = 330;
const LABEL_WIDTH = 210;
const ROW = 26;
const BAR = 12;
const TITLE_HEIGHT = 44;

/** Draws with the upper left corner at 0, 0. Bars are parts of each figure's own scale: goals differ in kind. */
export function drawFigures(title: string, figures: readonly Figure[], width: number): Panel {
  const parts: Svg[] = [
    text(0, 18, title, { "font-size": 15, "font-weight": 600 }),
    text(0, 35, "Bar: median of the rounds. Thin line: lowest to highest round. Black mark: the goal.", {
      fill: FAINT_INK,
    }),
  ];
  for (const [position, figure] of figures.entries()) {
    parts.push(...drawFigure(figure, TITLE_HEIGHT + position * ROW, width - NAME_WIDTH - LABEL_WIDTH));
  }
  return { svg: element("g", {}, parts), height: TITLE_HEIGHT + figures.length * ROW };
}

function drawFigure(figure: Figure, top: number, room: number): readonly Svg[] {
  const { name, value, goal } = figure;
  const middle = top + ROW / 2;
  const extent = Math.max(value.max, value.median, goal?.value ?? 1, 1) * 1.05;
  const at = (number: number): number => NAME_WIDTH + (number / extent) * room;
  const reached = isReached(figure);
  const colour = reached === null ? colourOf(0) : reached ? GOOD : BAD;
  const parts: Svg[] = [text(NAME_WIDTH - 10, middle + 4, name, { "text-anchor": "end" })];
  if (Number.isFinite(value.median)) {
    const [x, y] = [NAME_WIDTH, middle - BAR / 2];
    parts.push(
      element("rect", {
        x,
        y,
        width: at(value.median) - x,
        height: BAR,
        rx: 1.5,
        fill: colour,
        opacity: 0.85,
      }),
      element("line", { x1: at(value.min), x2: at(value.max), y1: middle, y2: middle, stroke: INK }),
    );
  }
  if (goal !== null) {
    const x = at(goal.value);
    parts.push(
      element("line", { x1: x, x2: x, y1: middle - 9, y2: middle + 9, stroke: INK, "stroke-width": 2.5 }),
    );
  }
  const label = goal === null ? "no goal" : `${goal.kind} ${goal.value}`;
  parts.push(
    text(NAME_WIDTH + room + 12, middle + 4, significant(value.median), { "font-weight": 600, fill: colour }),
    text(NAME_WIDTH + room + 62, middle + 4, label, { fill: FAINT_INK }),
  );
  return parts;
}
