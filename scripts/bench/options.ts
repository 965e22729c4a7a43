/** The command line of `npm run bench`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Plan } from "./compare.ts";

export const HELP = `Usage: npm run bench -- [options]

Measures edged beside what it should be compared with, in one run on one machine: one plain Durable
Object, a call that does nothing, a real etcd if one is installed. One load generator with open
connections (undici, one request at a time on each, no pipelining; raw HTTP/2 for gRPC), interleaved
rounds. What counts is ratios, not the bare rates of a machine.

  --quick              shorter rounds and one kill, under two minutes
  --only A,B           targets whose id contains one of these (put, etcd, noop, bridge, failover, ...)
  --connections LIST   default 1,32,128
  --rounds N           rounds of each target and number of connections (default 5)
  --seconds S          of each round (default 1.5)
  --bytes N            of a value (default 256)
  --out DIR            for results and charts (default .edged/bench)
  --write-docs         also writes docs/plots and the tables in docs/performance.md
  --list               lists the targets and ends

  --scale              curves instead: keys, value size, replicas, clusters, watchers
                       (--only names some of them; --quick leaves out the large ends)
  --help

Writes DIR/bench.json and DIR/bench.svg, or DIR/scale.json and a chart for each curve.
Run it on a machine that does nothing else: it says so if it does.`;

export interface Options {
  readonly isHelp: boolean;
  readonly isList: boolean;
  readonly isScale: boolean;
  readonly isQuick: boolean;
  readonly writesDocs: boolean;
  /** Empty: everything. */
  readonly only: readonly string[];
  readonly plans: readonly Plan[];
  readonly failovers: number;
  readonly valueBytes: number;
  readonly out: string;
}

const ROUNDS = 5;
const SECONDS = 1.5;
const QUICK_SECONDS = 0.4;
const FAILOVERS = 5;
/** With --quick the number of connections of the named figures gets two rounds, the others one. */
const QUICK_CONNECTIONS = 32;
const QUICK_ROUNDS = 2;

/** Throws with a message for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      connections: { type: "string", default: "1,32,128" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      bytes: { type: "string", default: "256" },
      out: { type: "string", default: join(".edged", "bench") },
      "write-docs": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      scale: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const isQuick = values.quick;
  const rounds = values.rounds === undefined ? null : whole("--rounds", values.rounds, 1_000);
  const seconds = values.seconds === undefined ? null : positive("--seconds", values.seconds, 600);
  const plans = values.connections.split(",").map((text) => {
    const connections = whole("--connections", text, 4_096);
    const usual = isQuick ? (connections === QUICK_CONNECTIONS ? QUICK_ROUNDS : 1) : ROUNDS;
    const durationMs = (seconds ?? (isQuick ? QUICK_SECONDS : SECONDS)) * 1_000;
    return { connections, rounds: rounds ?? usual, durationMs };
  });
  return {
    isHelp: values.help,
    isList: values.list,
    isScale: values.scale,
    isQuick,
    writesDocs: values["write-docs"],
    only: values.only?.split(",").filter((name) => name !== "") ?? [],
    plans,
    failovers: isQuick ? 1 : FAILOVERS,
    valueBytes: whole("--bytes", values.bytes, 1_000_000),
    out: values.out,
  };
}

/** Whether `--only` leaves something of this name in. */
export function isWanted({ only }: Pick<Options, "only">, name: string): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}

function positive(option: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= max) return value;
  throw new Error(`${option} is "${text}"; set it to a number above 0, at most ${max}`);
}

function whole(option: string, text: string, max: number): number {
  const value = positive(option, text, max);
  if (Number.isInteger(value)) return value;
  throw new Error(`${option} is "${text}"; set it to a whole number`);
}
