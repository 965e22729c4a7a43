/** The command line of the chaos runner. */
import path from "node:path";
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/base/result.ts";

export interface ChaosArguments {
  readonly seconds: number;
  readonly seed: number;
  readonly replicas: number;
  readonly port: number;
  readonly clients: number;
  readonly keys: number;
  readonly timeoutMs: number;
  readonly calmMs: number;
  readonly dir: string;
  readonly out: string;
  /** Worker entry, from the project's root. */
  readonly entry: string;
  /** Variables of every member, as KEY=VALUE. */
  readonly vars: readonly string[];
  /** Leave the cluster's data where it is. */
  readonly keep: boolean;
  /** A history to be judged instead of a run; null for a run. */
  readonly judge: string | null;
}

const DEFAULT_ENTRY = "test/worker/entry/faulty-worker.ts";

export const USAGE = `npm run chaos -- [options]
Starts a cluster of real processes, lets clients write and read while members are killed, paused,
cut off and started again, then checks that everything the clients saw is linearizable.
  --seconds N     length of the storm (20)
  --seed S        what the nemesis and the clients do (drawn and printed by default)
  --replicas N    members, 1 to 9 (3)
  --port P        the first member's port; the others follow (9100)
  --clients C     concurrent clients (8)
  --keys K        keys they contend for at a time (4)
  --timeout MS    after which a client gives up and calls the outcome unknown (2500)
  --calm MS       between two faults, up to twice this; 0 for no faults (1500)
  --entry FILE    Worker entry (${DEFAULT_ENTRY}: the product
                  with a switch for the network; src/index.ts goes without partitions)
  --var KEY=VALUE a variable for every member, may be repeated
  --dir DIR       data of the cluster (.edged/chaos/<seed>)
  --out FILE      the history as JSON lines (.edged/chaos/history-<seed>.jsonl)
  --keep          leave the data where it is
  --judge FILE    only judge a history that an earlier run wrote
Exit: 0 ok, 1 violation, 2 usage, 3 undecided or not run.`;

type CountName = "seed" | "seconds" | "replicas" | "port" | "clients" | "keys" | "timeout" | "calm";

/** Parsed arguments, "help", or what is wrong with them. `freshSeed` is taken when none is given. */
export function parseArguments(
  list: readonly string[],
  freshSeed: number,
): Result<ChaosArguments | "help", string> {
  const parsed = parse(list);
  if (!parsed.ok) return parsed;
  const { values } = parsed.value;
  if (values.help === true) return ok("help");
  const problems: string[] = [];
  const count = (name: CountName, fallback: number, min: number, max: number): number => {
    const text = values[name];
    const value = text === undefined ? fallback : Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      problems.push(`--${name} must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
  const seed = count("seed", freshSeed, 0, 0xffff_ffff);
  const result: ChaosArguments = {
    seed,
    seconds: count("seconds", 20, 1, 86_400),
    replicas: count("replicas", 3, 1, 9),
    port: count("port", 9_100, 1_024, 65_000),
    clients: count("clients", 8, 1, 64),
    keys: count("keys", 4, 1, 1_000),
    timeoutMs: count("timeout", 2_500, 100, 60_000),
    calmMs: count("calm", 1_500, 0, 600_000),
    entry: values.entry ?? DEFAULT_ENTRY,
    vars: values.var ?? [],
    dir: values.dir ?? path.join(".edged", "chaos", String(seed)),
    out: values.out ?? path.join(".edged", "chaos", `history-${seed}.jsonl`),
    keep: values.keep === true,
    judge: values.judge ?? null,
  };
  return problems.length > 0 ? err(problems.join("; ")) : ok(result);
}

function parse(list: readonly string[]): Result<ReturnType<typeof parseStrictly>, string> {
  try {
    return ok(parseStrictly(list));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

function parseStrictly(list: readonly string[]) {
  return parseArgs({
    args: [...list],
    allowPositionals: false,
    options: {
      seconds: { type: "string" },
      seed: { type: "string" },
      replicas: { type: "string" },
      port: { type: "string" },
      clients: { type: "string" },
      keys: { type: "string" },
      timeout: { type: "string" },
      calm: { type: "string" },
      entry: { type: "string" },
      var: { type: "string", multiple: true },
      dir: { type: "string" },
      out: { type: "string" },
      judge: { type: "string" },
      keep: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}
