/** Panels below or beside each other as one file. */
import type { Panel } from "./bar-chart.ts";
import { element, FAINT_INK, type Svg, svgFile, text } from "./svg.ts";

const MARGIN = 28;
const HEAD = 62;
const GAP = 26;

export interface Row {
  /** Each is told the width that it has. */
  readonly panels: readonly ((width: number) => Panel)[];
  /** As many columns as there are panels when left out. */
  readonly columns?: number;
}

export function stackPanels(title: string, subtitle: string, rows: readonly Row[], width: number): string {
  const parts: Svg[] = [
    text(MARGIN, 34, title, { "font-size": 20, "font-weight": 700 }),
    text(MARGIN, 54, subtitle, { fill: FAINT_INK }),
  ];
  let y = HEAD + GAP / 2;
  for (const { panels, columns = panels.length } of rows) {
    const room = (width - 2 * MARGIN - (columns - 1) * GAP) / columns;
    let height = 0;
    for (const [position, draw] of panels.entries()) {
      const panel = draw(room);
      const x = MARGIN + position * (room + GAP);
      parts.push(element("g", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, [panel.svg]));
      height = Math.max(height, panel.height);
    }
    y += height + GAP;
  }
  return svgFile(width, y, title, parts);
}
