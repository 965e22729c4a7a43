/** Writes what was measured into docs/performance.md, between its marks, and the plots beside it. */
import { writePart, writePlot } from "../bench/docs.ts";
import { markdownTable } from "../bench/table.ts";
import { drawCosts } from "./plots/cost-plot.ts";
import { drawFailovers } from "./plots/failover-plot.ts";
import { drawLatencies } from "./plots/latency-plot.ts";
import {
  costPart,
  countPart,
  failoverPart,
  idlePart,
  latencyPart,
  type Part,
  type Results,
} from "./report.ts";

/** Parts that were not measured stay as they are. */
export function documentResults(results: Results): void {
  const { latencies, failovers, idleness, costs, seed, samples, trials, operations } = results;
  if (latencies.length > 0) {
    const plot = writePlot("wide-area-latency", drawLatencies(latencies));
    write("wide area latency", [
      `![Puts and gets by where the client is](${plot})`,
      ...latencies.flatMap((each) => titled(latencyPart(each))),
      again("latency", `--seed ${seed} --samples ${samples}`),
    ]);
  }
  if (failovers.length > 0) {
    const plot = writePlot("wide-area-failover", drawFailovers(failovers));
    write("wide area failover", [
      `![From the loss of the leader to the first acknowledged write](${plot})`,
      markdownTable(failoverPart(failovers).table),
      again("failover", `--seed ${seed} --trials ${trials}`),
    ]);
  }
  if (idleness.length > 0) {
    write("wide area idle", [markdownTable(idlePart(idleness).table), again("idle", `--seed ${seed}`)]);
  }
  if (costs.length > 0) {
    const plot = writePlot("wide-area-cost", drawCosts(costs));
    write("wide area cost", [
      `![What it costs at list prices](${plot})`,
      markdownTable(costPart(costs).table),
      markdownTable(countPart(costs).table),
      again("cost", `--seed ${seed} --operations ${operations}`),
    ]);
  }
}

function write(name: string, paragraphs: readonly string[]): void {
  writePart(name, paragraphs.join("\n\n"));
}

function titled({ title, note, table }: Part): string[] {
  return [`**${title}.**${note === null ? "" : ` ${note}.`}`, markdownTable(table)];
}

function again(part: string, options: string): string {
  return `Again: \`npm run wide-area -- --only ${part} ${options} --write-docs\`.`;
}
