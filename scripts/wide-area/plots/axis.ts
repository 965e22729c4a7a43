/** A horizontal axis: marks with their text below, thin lines up through the plot. */
import { element, FAINT_INK, RULE, type Svg, text } from "../../bench/charts/svg.ts";

export interface Mark {
  readonly x: number;
  readonly label: string;
}

export interface AxisBox {
  readonly top: number;
  readonly bottom: number;
}

export function drawAxis(marks: readonly Mark[], { top, bottom }: AxisBox): readonly Svg[] {
  return marks.flatMap(({ x, label }) => [
    element("line", { x1: x, x2: x, y1: top, y2: bottom, stroke: RULE }),
    text(x, bottom + 14, label, { "text-anchor": "middle", fill: FAINT_INK, "font-size": 11 }),
  ]);
}

/** Round numbers from 0 to `end`. */
export function steps(end: number, step: number): readonly number[] {
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

export interface Key {
  readonly colour: string;
  readonly name: string;
}

/** What the colours mean, side by side from `x` on. */
export function drawKeys(keys: readonly Key[], x: number, y: number): readonly Svg[] {
  let at = x;
  return keys.flatMap(({ colour, name }) => {
    const left = at;
    at += 32 + name.length * 7;
    return [
      element("circle", { cx: left + 5, cy: y - 4, r: 5, fill: colour }),
      text(left + 15, y, name, { fill: FAINT_INK }),
    ];
  });
}
