/** One panel a placement, one row a client region: p50 as a dot, a line on to p99. */
import { colourOf, element, FAINT_INK, type Svg, svgFile, text } from "../../bench/charts/svg.ts";
import type { ClientLatencies, Latencies } from "../latencies.ts";
import type { Spread } from "../statistics.ts";
import { drawAxis, drawKeys, steps } from "./axis.ts";

const KINDS: readonly { readonly name: string; readonly of: (each: ClientLatencies) => Spread }[] = [
  { name: "put", of: ({ put }) => put },
  { name: "linearizable get", of: ({ linearizable }) => linearizable },
  { name: "serializable get", of: ({ serializable }) => serializable },
];

const PANEL_WIDTH = 480;
const NAME_WIDTH = 70;
const ROW = 34;
const MARK = 9;
const HEAD = 46;
const FOOT = 40;
const STEP_MS = 100;
const TOP = 74;
const COLUMNS = 2;

export function drawLatencies(latencies: readonly Latencies[]): string {
  const slowest = Math.max(
    ...latencies.flatMap(({ byClient }) => byClient.flatMap((each) => KINDS.map(({ of }) => of(each).p99))),
  );
  const endMs = Math.ceil(slowest / STEP_MS) * STEP_MS;
  const heights = latencies.map(({ byClient }) => HEAD + byClient.length * ROW + FOOT);
  const height = Math.max(...heights);
  const columns = Math.min(COLUMNS, latencies.length);
  const title = "Put and get by where the client is: dot p50, line to p99, milliseconds";
  const keys = KINDS.map(({ name }, i) => ({ colour: colourOf(i), name }));
  const panels = latencies.map((each, i) => {
    const [x, y] = [20 + (i % columns) * (PANEL_WIDTH + 20), TOP + Math.floor(i / columns) * height];
    return element("g", { transform: `translate(${x} ${y})` }, drawPanel(each, endMs));
  });
  return svgFile(
    columns * (PANEL_WIDTH + 20) + 20,
    TOP + Math.ceil(latencies.length / columns) * height,
    title,
    [text(20, 28, title, { "font-size": 16, "font-weight": 600 }), ...drawKeys(keys, 20, 52), ...panels],
  );
}

function drawPanel({ placement, leader, byClient, byLeader }: Latencies, endMs: number): readonly Svg[] {
  const at = (ms: number): number => NAME_WIDTH + (ms / endMs) * (PANEL_WIDTH - NAME_WIDTH - 10);
  const bottom = HEAD + byClient.length * ROW;
  const commit = byLeader.find((each) => each.leader === leader)?.commit.p50 ?? Number.NaN;
  const parts: Svg[] = [
    text(0, 16, placement.join(" + "), { "font-weight": 600, "font-size": 13 }),
    text(0, 33, `led from ${leader}, where a commit takes ${commit.toFixed(0)} ms`, { fill: FAINT_INK }),
    ...drawAxis(
      steps(endMs, STEP_MS).map((ms) => ({ x: at(ms), label: String(ms) })),
      { top: HEAD, bottom },
    ),
  ];
  for (const [row, each] of byClient.entries()) {
    const top = HEAD + row * ROW;
    const isMember = placement.includes(each.client);
    parts.push(
      text(NAME_WIDTH - 10, top + ROW / 2 + 4, each.client, {
        "text-anchor": "end",
        "font-weight": isMember ? 700 : 400,
      }),
    );
    for (const [kind, { of }] of KINDS.entries()) {
      const { p50, p99 } = of(each);
      const y = top + 7 + kind * MARK;
      const colour = colourOf(kind);
      parts.push(
        element("line", {
          x1: at(p50),
          x2: at(p99),
          y1: y,
          y2: y,
          stroke: colour,
          "stroke-width": 2,
          opacity: 0.5,
        }),
        element("circle", { cx: at(p50), cy: y, r: 4, fill: colour }),
      );
    }
  }
  return parts;
}
