/** What is written into docs/performance.md: the same tables, with the plots and how they were made. */
import { writePart, writePlot } from "./docs.ts";
import { chartOf, describeRun, figureTable, type Report, resultTable } from "./report.ts";
import { curveChart, curveTable, type ScaleReport } from "./scale/scale-report.ts";
import { markdownTable } from "./table.ts";

/** The number of connections of the table; the plot has all. */
const CONNECTIONS = 32;

export function documentReport(report: Report): void {
  const plot = writePlot("side-by-side", chartOf(report));
  writePart(
    "side by side",
    [
      `![Requests a second and ratios](${plot})`,
      markdownTable(figureTable(report.figures)),
      markdownTable(resultTable(report.results, CONNECTIONS)),
      `${describeRun(report)}. Again: \`npm run bench -- ${report.isQuick ? "--quick " : ""}--write-docs\`.`,
    ].join("\n\n"),
  );
}

/** Each curve is a part of its own: those that were not measured stay as they are. */
export function documentScale(report: ScaleReport): void {
  for (const curve of report.curves) {
    const plot = writePlot(`scale-${curve.id}`, curveChart(curve, describeRun(report)));
    const again = `npm run bench -- --scale --only ${curve.id} --write-docs`;
    writePart(
      `scale ${curve.id}`,
      [
        `![${curve.title}](${plot})`,
        markdownTable(curveTable(curve)),
        ...(curve.facts.length === 0 ? [] : [curve.facts.join(" ")]),
        `${describeRun(report)}. Again: \`${again}\`.`,
      ].join("\n\n"),
    );
  }
}
