/** What was measured, as tables for a terminal or a page. */
import { type Table, textTable } from "../bench/table.ts";
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

/** A table with what is to be known before it is read. */
export interface Part {
  readonly title: string;
  readonly note: string | null;
  readonly table: Table;
}

/** Everything for a terminal. */
export function report({ latencies, failovers, idleness, costs }: Results): string {
  const parts = [
    ...latencies.map(latencyPart),
    ...(failovers.length > 0 ? [failoverPart(failovers)] : []),
    ...(idleness.length > 0 ? [idlePart(idleness)] : []),
    ...(costs.length > 0 ? [costPart(costs), countPart(costs)] : []),
  ];
  return parts
    .map(({ title, note, table }) =>
      [title, ...(note === null ? [] : [note]), textTable(table), ""].join("\n"),
    )
    .join("\n");
}

export function latencyPart({ placement, byLeader, leader, byClient }: Latencies): Part {
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
  return {
    title: `${placement.join(" + ")}, led from ${leader}`,
    note: `Commit at a leader in ${commits} (p50 / p99, ms)`,
    table: { head, rows },
  };
}

export function failoverPart(failovers: readonly Failover[]): Part {
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
  return { title: "Failover (ms after the leader was lost)", note: null, table: { head, rows } };
}

export function idlePart(idleness: readonly Idleness[]): Part {
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
  return { title: "A month of nothing, after falling asleep", note: null, table: { head, rows } };
}

export function costPart(costs: readonly Costs[]): Part {
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
  return { title: "Cost in dollars at list prices", note: null, table: { head, rows } };
}

export function countPart(costs: readonly Costs[]): Part {
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
  return { title: "Counted", note: null, table: { head, rows } };
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
