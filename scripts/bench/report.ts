/** What `npm run bench` found, for people and for programs. */
import { type BarGroup, drawBars } from "./charts/bar-chart.ts";
import { drawFigures } from "./charts/figure-chart.ts";
import { stackPanels } from "./charts/stack.ts";
import type { Plan, Result } from "./compare.ts";
import { type Figure, isReached, type Rounds } from "./figures.ts";
import { type Busyness, isBusy, type Machine } from "./machine.ts";
import { significant } from "./numbers.ts";
import { median } from "./statistics.ts";
import type { Table } from "./table.ts";

/** Where and when something was measured. */
export interface Circumstances {
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Before and after, with everything of ours at rest. */
  readonly busyness: readonly Busyness[];
}

/** A whole run, as it is written to a file. */
export interface Report extends Circumstances {
  readonly format: 1;
  readonly isQuick: boolean;
  readonly etcd: string | null;
  readonly valueBytes: number;
  readonly plans: readonly Plan[];
  readonly skipped: readonly string[];
  readonly results: readonly Result[];
  readonly figures: readonly Figure[];
  readonly failoverMs: readonly number[];
}

const CHART_WIDTH = 1_000;

export function roundsOf({ target, connections, rounds }: Result): Rounds {
  return {
    target: target.id,
    connections,
    rates: rounds.map(({ rate }) => rate),
    p50s: rounds.map(({ p50 }) => p50),
    p99s: rounds.map(({ p99 }) => p99),
    cpus: rounds.map(({ cpuMicros }) => cpuMicros ?? Number.NaN),
  };
}

/** One line about where and when. */
export function describeRun({ machine, busyness, startedAt, commit }: Circumstances): string {
  const { processor, cores, node } = machine;
  const where = `${cores} cores (${processor}), Node ${node.slice(1)}, ${startedAt.slice(0, 10)}, ${commit}`;
  if (!isBusy(busyness)) return where;
  const share = Math.max(...busyness.map(({ cpuShare }) => cpuShare));
  return `${where}; BUSY MACHINE: others used ${Math.round(share * 100)}% of it`;
}

/** All targets with one number of connections. */
export function resultTable(results: readonly Result[], connections: number): Table {
  const rows: string[][] = [];
  let group = "";
  for (const result of results.filter((candidate) => candidate.connections === connections)) {
    if (result.target.group !== group) {
      group = result.target.group;
      rows.push([group]);
    }
    rows.push([`  ${result.target.name}`, ...cells(result)]);
  }
  return { head: [`${connections} connections`, "a second", "p50 ms", "p99 ms", "CPU us", "failed"], rows };
}

function cells({ rounds }: Result): readonly string[] {
  const of = (pick: (round: Result["rounds"][number]) => number): string =>
    significant(median(rounds.map(pick)));
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  return [
    of(({ rate }) => rate),
    of(({ p50 }) => p50),
    of(({ p99 }) => p99),
    of(({ cpuMicros }) => cpuMicros ?? Number.NaN),
    failed === 0 ? "" : String(failed),
  ];
}

export function figureTable(figures: readonly Figure[]): Table {
  const verdicts = new Map([
    [true, "reached"],
    [false, "MISSED"],
    [null, ""],
  ]);
  return {
    head: ["figure", "median", "lowest", "highest", "goal", "", "of CPU", "of"],
    rows: figures.map((figure) => {
      const { name, value, cpu, goal, note } = figure;
      const goalText = goal === null ? "" : `${goal.kind} ${goal.value}`;
      const numbers = [value.median, value.min, value.max].map((number) => number.toFixed(2));
      const verdict = verdicts.get(isReached(figure)) ?? "";
      return [name, ...numbers, goalText, verdict, Number.isNaN(cpu) ? "" : cpu.toFixed(2), note];
    }),
  };
}

export function chartOf(report: Report): string {
  const { results, figures, plans, valueBytes } = report;
  const counts = plans.map(({ connections }) => connections);
  const rows = results.length === 0 ? [] : [{ panels: [(width: number) => drawBars(barsOf(report), width)] }];
  const figureRow = {
    panels: [(width: number) => drawFigures("Ratios and their goals", figures, width)],
  };
  const title = `edged: requests of ${valueBytes} bytes over ${counts.join(", ")} connections`;
  return stackPanels(
    title,
    describeRun(report),
    [...(figures.length === 0 ? [] : [figureRow]), ...rows],
    CHART_WIDTH,
  );
}

function barsOf({ results, plans }: Report): Parameters<typeof drawBars>[0] {
  const groups: { name: string; rows: BarGroup["rows"][number][] }[] = [];
  const counts = plans.map(({ connections }) => connections);
  for (const target of new Set(results.map((result) => result.target))) {
    let group = groups.at(-1);
    if (group?.name !== target.group) {
      group = { name: target.group, rows: [] };
      groups.push(group);
    }
    const bars = counts.map((connections) => {
      const result = results.find((one) => one.target === target && one.connections === connections);
      if (result === undefined) return null;
      const [rate = "", p50 = "", p99 = ""] = cells(result);
      const value = median(result.rounds.map((round) => round.rate));
      return { value, label: `${rate}/s, p50 ${p50} ms, p99 ${p99} ms` };
    });
    group.rows.push({ name: target.name, bars });
  }
  const series = counts.map((count) => `${count} ${count === 1 ? "connection" : "connections"}`);
  return { title: "Requests a second (medians)", series, groups };
}
