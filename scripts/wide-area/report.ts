/** What was measured, as tables for a terminal or a page. */
import { bill } from "./bill.ts";
import type { Costs } from "./costs.ts";
import { TIMERS } from "./facts/durations.ts";
import { type Failover, quantiles } from "./failovers.ts";
import { type Idleness, isFree } from "./idleness.ts";
import type { Latencies } from "./latencies.ts";
import type { Spread } from "./statistics.ts";

export interface Results {
  readonly seed: number;
  readonly samples: number;
  readonly trials: number;
  readonly operations: number;
  readonly latencies: readonly Latencies[];
  readonly failovers: readonly Failover[];
  readonly idleness: readonly Idleness[];
  readonly costs: readonly Costs[];
}

type Row = readonly string[];

export function report({ latencies, failovers, idleness, costs }: Results): string {
  return [
    ...latencies.flatMap(latencyTables),
    ...(failovers.length > 0 ? [failoverTable(failovers)] : []),
    ...(idleness.length > 0 ? [idleTable(idleness)] : []),
    ...(costs.length > 0 ? [costTable(costs), countTable(costs)] : []),
  ].join("\n");
}

function latencyTables({ placement, byLeader, leader, byClient }: Latencies): string[] {
  const commits = byLeader.map((each) => `${each.leader} ${brief(each.commit)}`).join(", ");
  const head = [
    "client in",
    "put",
    "linearizable get",
    "if of the leader",
    "if of the nearest",
    "serializable get",
    "if of the nearest",
  ];
  const rows = byClient.map((each) => [
    each.client,
    brief(each.put),
    brief(each.linearizable),
    brief(each.linearizableLeader),
    brief(each.linearizableNearest),
    brief(each.serializable),
    brief(each.serializableNearest),
  ]);
  return [
    `## ${placement.join(" + ")}, led from ${leader}\n`,
    `Commit at the leader (p50 / p99 ms), by where it is: ${commits}\n`,
    table(head, rows),
  ];
}

function failoverTable(failovers: readonly Failover[]): string {
  const head = [
    "placement",
    "the leader",
    "elected p10",
    "p50",
    "p90",
    "max",
    "served p10",
    "p50",
    "p90",
    "max",
    "p50 / ELECTION_MS",
  ];
  const rows = failovers.map(({ placement, loss, electedMs, servedMs }) => {
    const [elected, served] = [quantiles(electedMs), quantiles(servedMs)];
    return [
      placement.join(" + "),
      loss,
      ...[
        elected.p10,
        elected.p50,
        elected.p90,
        elected.max,
        served.p10,
        served.p50,
        served.p90,
        served.max,
      ].map(whole),
      (served.p50 / TIMERS.electionMs).toFixed(2),
    ];
  });
  return `## Failover (ms after the leader was lost)\n\n${table(head, rows)}`;
}

function idleTable(idleness: readonly Idleness[]): string {
  const head = [
    "placement",
    "asleep after ms",
    "calls",
    "rows",
    "alarms",
    "then in a month: calls",
    "rows",
    "alarms",
    "awake ms",
    "free",
    "first put after it, all memory lost, ms",
  ];
  const rows = idleness.map((idle) => {
    const { fallingAsleep, month } = idle;
    return [
      idle.placement.join(" + "),
      whole(idle.asleepAfterMs),
      whole(fallingAsleep.peerCalls + fallingAsleep.clientCalls),
      whole(fallingAsleep.rowsWritten + fallingAsleep.alarmsSet),
      whole(fallingAsleep.alarmRuns),
      whole(month.peerCalls + month.clientCalls),
      whole(month.rowsWritten + month.rowsRead + month.alarmsSet),
      whole(month.alarmRuns + idle.alarmsSetAtEnd),
      whole(month.awakeMs),
      isFree(idle) ? "yes" : "NO",
      whole(idle.wakesInMs),
    ];
  });
  return `## A month of nothing, after falling asleep\n\n${table(head, rows)}`;
}

function costTable(costs: readonly Costs[]): string {
  const head = [
    "what",
    "edged",
    "requests",
    "duration",
    "rows written",
    "rows read",
    "stored",
    "beyond what is included",
    "one object",
    "Workers KV",
  ];
  const rows = costs.map(({ name, edged, object, kv }) => {
    const { listDollars, dueDollars, byItem } = bill(edged);
    const { requests, gigabyteSeconds, rowsWritten, rowsRead, storedGigabyteMonths } = byItem;
    return [
      name,
      dollars(listDollars),
      ...[requests, gigabyteSeconds, rowsWritten, rowsRead, storedGigabyteMonths].map((part) =>
        dollars(part ?? 0),
      ),
      dollars(dueDollars),
      dollars(bill(object).listDollars),
      dollars(bill(kv).listDollars),
    ];
  });
  return `## Cost in dollars at list prices\n\n${table(head, rows)}`;
}

function countTable(costs: readonly Costs[]): string {
  const head = [
    "per operation, all replicas",
    "requests of clients",
    "of replicas",
    "alarms run",
    "alarms set",
    "rows written",
    "rows read",
    "awake ms",
    "answer p50 / p99 ms",
  ];
  const rows = costs.map(({ name, perOperation: each, tookMs }) => [
    name,
    ...[
      each.clientCalls,
      each.peerCalls,
      each.alarmRuns,
      each.alarmsSet,
      each.rowsWritten,
      each.rowsRead,
      each.awakeMs,
    ].map((count) => count.toFixed(2)),
    brief(tookMs),
  ]);
  return `## Counted\n\n${table(head, rows)}`;
}

function brief({ p50, p99 }: Spread): string {
  return `${whole(p50)} / ${whole(p99)}`;
}

function whole(value: number): string {
  return value.toFixed(0);
}

function dollars(value: number): string {
  return value.toFixed(value < 0.095 && value > 0 ? 3 : 2);
}

/** A Markdown table with columns that also line up on a terminal. */
function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: Row): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return `${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}
