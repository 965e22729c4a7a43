/** What the curves are, for people and for programs. */
import { drawCurves } from "../charts/curve-chart.ts";
import { stackPanels } from "../charts/stack.ts";
import { fitPowerLaw } from "../fit.ts";
import { bytesText, grouped, significant } from "../numbers.ts";
import type { Circumstances } from "../report.ts";
import type { Table } from "../table.ts";
import type { Curve } from "./curve.ts";

/** A whole run, as it is written to a file. */
export interface ScaleReport extends Circumstances {
  readonly format: 1;
  readonly curves: readonly Curve[];
}

const CHART_WIDTH = 1_000;
const PANELS_PER_ROW = 2;

/** A line for each point, and one with the exponents. */
export function curveTable(curve: Curve): Table {
  const series = curve.panels.flatMap((panel) => panel.series);
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const rows = xs.map((x) => [
    xTextOf(curve, x),
    ...series.map(({ points }) => significant(points.find((point) => point.x === x)?.y ?? Number.NaN)),
  ]);
  const exponents = series.map(({ points }) => fitPowerLaw(points)?.exponent.toFixed(2) ?? "-");
  return {
    head: [curve.title.toLowerCase(), ...series.map(({ name }) => name)],
    rows: [...rows, ["exponent", ...exponents]],
  };
}

export function curveChart(curve: Curve, subtitle: string): string {
  const { panels, title, xLabel } = curve;
  const drawn = panels.map(
    (panel) => (width: number) =>
      drawCurves(
        { title: panel.title, xLabel, series: panel.series, xText: (x) => xTextOf(curve, x) },
        width,
      ),
  );
  const rows = Array.from({ length: Math.ceil(drawn.length / PANELS_PER_ROW) }, (_, row) => ({
    panels: drawn.slice(row * PANELS_PER_ROW, (row + 1) * PANELS_PER_ROW),
    columns: PANELS_PER_ROW,
  }));
  return stackPanels(title, subtitle, rows, CHART_WIDTH);
}

function xTextOf({ xUnit }: Curve, x: number): string {
  return xUnit === "bytes" ? bytesText(x) : grouped(x);
}
