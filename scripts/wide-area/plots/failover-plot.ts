/** Which share of the failovers was over after how long, a curve for each placement and kind of loss. */
import { colourOf, element, FAINT_INK, INK, type Svg, svgFile, text } from "../../bench/charts/svg.ts";
import { TIMERS } from "../facts/durations.ts";
import type { Failover, Loss } from "../failovers.ts";
import { drawAxis, drawKeys, steps } from "./axis.ts";

const WIDTH = 900;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 20;
const TOP = 110;
const BOTTOM = HEIGHT - 50;
/** What the median shall stay below, in election timeouts. */
const GOAL = 2.5;

const DASHES: Readonly<Record<Loss, string>> = { silent: "7 4", refused: "none", restarted: "1.5 3" };
const MEANINGS =
  "solid: callers are told that it is gone; dashed: nothing is heard of it; dotted: it only lost its memory";

export function drawFailovers(failovers: readonly Failover[]): string {
  const longest = Math.max(...failovers.flatMap(({ servedMs }) => servedMs));
  const endMs = Math.ceil(longest / 1_000) * 1_000;
  const at = (ms: number): number => LEFT + (ms / endMs) * (WIDTH - LEFT - RIGHT);
  const placements = [...new Set(failovers.map(({ placement }) => placement.join(" + ")))];
  const title = "Failover: from the loss of the leader to the first acknowledged write";
  const keys = placements.map((name, i) => ({ colour: colourOf(i), name }));
  const goalMs = GOAL * TIMERS.electionMs;
  const shares = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(LEFT - 8, heightOf(share) + 4, `${share * 100} %`, { "text-anchor": "end", fill: FAINT_INK }),
  );
  const curves = failovers.map((each) =>
    drawCurve(each, at, colourOf(placements.indexOf(each.placement.join(" + ")))),
  );
  return svgFile(WIDTH, HEIGHT, title, [
    text(20, 28, title, { "font-size": 16, "font-weight": 600 }),
    ...drawKeys(keys, 20, 54),
    text(20, 76, MEANINGS, { fill: FAINT_INK }),
    ...drawAxis(
      steps(endMs, 1_000).map((ms) => ({ x: at(ms), label: `${ms / 1_000} s` })),
      { top: TOP, bottom: BOTTOM },
    ),
    ...shares,
    element("line", { x1: at(goalMs), x2: at(goalMs), y1: TOP - 8, y2: BOTTOM, stroke: INK }),
    text(at(goalMs) + 5, TOP - 2, `${GOAL} election timeouts: goal of the median`),
    ...curves,
  ]);
}

function heightOf(share: number): number {
  return BOTTOM - share * (BOTTOM - TOP);
}

function drawCurve({ servedMs, loss }: Failover, at: (ms: number) => number, colour: string): Svg {
  const corners = servedMs.map((ms, i) => {
    const [x, y] = [at(ms).toFixed(1), heightOf((i + 1) / servedMs.length).toFixed(1)];
    return `${i === 0 ? `M${x} ${BOTTOM}` : `H${x}`} V${y}`;
  });
  const dashes = DASHES[loss];
  return element("path", {
    d: corners.join(" "),
    fill: "none",
    stroke: colour,
    "stroke-width": 2,
    "stroke-dasharray": dashes,
  });
}
