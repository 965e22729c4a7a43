/** The figures by which the project judges itself: ratios within one run, with what they should be. */
import { median, ratios, type Spread, spreadOf } from "./statistics.ts";

/** What was measured of a target with some number of connections, one entry a round. */
export interface Rounds {
  readonly target: string;
  readonly connections: number;
  readonly rates: readonly number[];
  /** Milliseconds. */
  readonly p50s: readonly number[];
  readonly p99s: readonly number[];
  /** CPU microseconds a request; NaN where the system does not tell. */
  readonly cpus: readonly number[];
}

export interface Goal {
  readonly kind: "at least" | "at most";
  readonly value: number;
}

export interface Figure {
  readonly name: string;
  readonly value: Spread;
  /** The same ratio of CPU time a request, which others on the machine disturb less; NaN where there is none. */
  readonly cpu: number;
  /** Null: told for information. */
  readonly goal: Goal | null;
  /** What the name does not say. */
  readonly note: string;
}

interface RatioRule {
  readonly name: string;
  readonly of: string;
  readonly to: string;
  readonly goal: Goal | null;
}

const atLeast = (value: number): Goal => ({ kind: "at least", value });

/** Named figures are of this many connections, or of the largest count that was measured below it. */
const CONNECTIONS = 32;
const P99_TO_P50_MAX = 5;
const FAILOVER_ELECTIONS_MAX = 2.5;

const RULES: readonly RatioRule[] = [
  { name: "put / plain object's put", of: "one-put", to: "plain-put", goal: atLeast(1) },
  { name: "put / call that does nothing", of: "one-put", to: "noop", goal: atLeast(0.6) },
  { name: "linearizable get / call that does nothing", of: "one-get", to: "noop", goal: atLeast(0.6) },
  { name: "linearizable get / plain object's get", of: "one-get", to: "plain-get", goal: null },
  {
    name: "serializable get / call that does nothing",
    of: "one-serializable",
    to: "noop",
    goal: atLeast(0.8),
  },
  { name: "put / etcd's put, both JSON", of: "one-json-put", to: "etcd-json-put", goal: atLeast(0.8) },
  { name: "get / etcd's get, both JSON", of: "one-json-get", to: "etcd-json-get", goal: null },
  { name: "txn / etcd's txn, both JSON", of: "one-json-txn", to: "etcd-json-txn", goal: null },
  {
    name: "put in three processes / etcd's put, both JSON",
    of: "processes-json-put",
    to: "etcd-json-put",
    goal: null,
  },
  {
    name: "put over a session / etcd's put over gRPC",
    of: "session-put",
    to: "etcd-grpc-put",
    goal: atLeast(1),
  },
  { name: "get over a session / etcd's get over gRPC", of: "session-get", to: "etcd-grpc-get", goal: null },
  { name: "put over the bridge / etcd's put, both gRPC", of: "bridge-put", to: "etcd-grpc-put", goal: null },
  { name: "get over the bridge / etcd's get, both gRPC", of: "bridge-get", to: "etcd-grpc-get", goal: null },
];

/** Every figure whose targets were measured. */
export function ratioFigures(all: readonly Rounds[]): readonly Figure[] {
  const find = (target: string): Rounds | undefined =>
    all
      .filter((rounds) => rounds.target === target && rounds.connections <= CONNECTIONS)
      .sort((a, b) => b.connections - a.connections)[0];
  const figures: Figure[] = RULES.flatMap(({ name, of, to, goal }) => {
    const [upper, lower] = [find(of), find(to)];
    if (upper === undefined || lower === undefined) return [];
    const value = spreadOf(ratios(upper.rates, lower.rates));
    const cpu = median(ratios(upper.cpus, lower.cpus));
    return [{ name, value, cpu, goal, note: noteOf(upper) }];
  });
  const puts = find("one-put");
  if (puts !== undefined) {
    const value = spreadOf(ratios(puts.p99s, puts.p50s));
    const goal = { kind: "at most", value: P99_TO_P50_MAX } as const;
    figures.push({ name: "p99 / p50 of puts", value, cpu: Number.NaN, goal, note: noteOf(puts) });
  }
  return figures;
}

/** Times from the kill of a leader to the first write that was acknowledged, as election timeouts. */
export function failoverFigure(timesMs: readonly number[], electionMs: number): Figure {
  return {
    name: "failover, in election timeouts",
    value: spreadOf(timesMs.map((ms) => ms / electionMs)),
    cpu: Number.NaN,
    goal: { kind: "at most", value: FAILOVER_ELECTIONS_MAX },
    note: `${timesMs.length} kills, ELECTION_MS=${electionMs}`,
  };
}

/** Whether the median is where it should be; null without a goal. */
export function isReached({ goal, value }: Figure): boolean | null {
  if (goal === null) return null;
  return goal.kind === "at least" ? value.median >= goal.value : value.median <= goal.value;
}

function noteOf({ connections, rates }: Rounds): string {
  return `${connections} connections, ${rates.length} rounds`;
}
