/** Dollars on a logarithmic axis: one row for each line of the table, one dot for each way to keep the keys. */
import { colourOf, element, FAINT_INK, RULE, type Svg, svgFile, text } from "../../bench/charts/svg.ts";
import { bill } from "../bill.ts";
import type { Costs } from "../costs.ts";
import { drawAxis, drawKeys } from "./axis.ts";

const WIDTH = 900;
const NAME_WIDTH = 270;
const RIGHT = 40;
const TOP = 100;
const ROW = 40;
const MARKS = [0.01, 0.1, 1, 10, 100] as const;

const WAYS = [
  { name: "edged, three replicas", of: ({ edged }: Costs) => bill(edged).listDollars },
  { name: "one Durable Object", of: ({ object }: Costs) => bill(object).listDollars },
  { name: "Workers KV", of: ({ kv }: Costs) => bill(kv).listDollars },
];

export function drawCosts(costs: readonly Costs[]): string {
  const bottom = TOP + costs.length * ROW;
  const title = "What it costs at list prices, nothing included";
  const note =
    "Dollars, logarithmic. A month of nothing is not in it: then each costs only what it has stored.";
  const rows = costs.flatMap((each, row) => drawRow(each, TOP + row * ROW + ROW / 2));
  return svgFile(WIDTH, bottom + 40, title, [
    text(20, 28, title, { "font-size": 16, "font-weight": 600 }),
    ...drawKeys(
      WAYS.map(({ name }, i) => ({ colour: colourOf(i), name })),
      20,
      54,
    ),
    text(20, 76, note, { fill: FAINT_INK }),
    ...drawAxis(
      MARKS.map((dollars) => ({ x: at(dollars), label: `$${dollars}` })),
      { top: TOP - 6, bottom },
    ),
    ...rows,
  ]);
}

function at(dollars: number): number {
  const [first, last] = [Math.log10(MARKS[0]), Math.log10(MARKS[MARKS.length - 1] ?? 1)];
  const share = (Math.log10(Math.max(dollars, MARKS[0])) - first) / (last - first);
  return NAME_WIDTH + share * (WIDTH - NAME_WIDTH - RIGHT);
}

function drawRow(costs: Costs, y: number): readonly Svg[] {
  const prices = WAYS.map(({ of }) => of(costs));
  const line = { x1: at(Math.min(...prices)), x2: at(Math.max(...prices)), y1: y, y2: y };
  return [
    text(NAME_WIDTH - 14, y + 4, costs.name, { "text-anchor": "end" }),
    element("line", { ...line, stroke: RULE, "stroke-width": 3 }),
    ...prices.flatMap((dollars, i) => [
      element("circle", { cx: at(dollars), cy: y, r: 6, fill: colourOf(i) }),
      text(at(dollars), i === 0 ? y - 9 : y + 17, dollars.toFixed(2), {
        "text-anchor": "middle",
        "font-size": 10,
        fill: colourOf(i),
      }),
    ]),
  ];
}
