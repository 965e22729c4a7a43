/** The command line of the simulator. */
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/base/result.ts";

export interface SimArguments {
  /** Seeds to run; null: until `minutes` are over. */
  readonly seeds: number | null;
  readonly firstSeed: number;
  /** Wall time to spend; null: no limit. */
  readonly minutes: number | null;
  readonly trace: boolean;
  readonly minimize: boolean;
  readonly replicas: number | null;
  /** Virtual time with faults; null: drawn. */
  readonly virtualSeconds: number | null;
  /** Faults to leave out, as a failure names them. */
  readonly skip: readonly string[];
  /** Go on after a violation. */
  readonly keepGoing: boolean;
  /** Measure how fast seeds run. */
  readonly bench: boolean;
  /** A scenario file to replay instead. */
  readonly scenario: string | null;
}

export const USAGE = `npm run sim -- [options]
Runs the production replicas, gateway and clients in virtual time, seed after seed, under seeded
faults, and checks every invariant after every step.
  --seeds COUNT         seeds to run (100, or as many as --minutes allows)
  --seed FIRST          the first of them (1)
  --minutes M           wall time to spend
  --replicas N          members, 1 to 9 (drawn for each seed)
  --virtual-seconds S   virtual time with faults, before the cluster must heal (drawn)
  --trace               print everything that happened (with one seed)
  --minimize            shrink a failing seed and write a scenario file
  --skip A,B            leave out these faults
  --scenario FILE       replay a scenario file
  --keep-going          do not stop at the first violation
  --bench               how many seeds a core runs in a second (5 replicas, 60 virtual seconds)
Exit: 0 all invariants held, 1 violation, 2 usage.`;

const OPTIONS = {
  seeds: { type: "string" },
  seed: { type: "string" },
  minutes: { type: "string" },
  replicas: { type: "string" },
  "virtual-seconds": { type: "string" },
  trace: { type: "boolean" },
  minimize: { type: "boolean" },
  skip: { type: "string" },
  scenario: { type: "string" },
  "keep-going": { type: "boolean" },
  bench: { type: "boolean" },
  help: { type: "boolean" },
} as const;

/** Parsed arguments, "help", or what is wrong with them. */
export function parseArguments(list: readonly string[]): Result<SimArguments | "help", string> {
  const parsed = parse(list);
  if (!parsed.ok) return parsed;
  const values = parsed.value;
  if (values.help === true) return ok("help");
  const problems: string[] = [];
  const count = (name: "seeds" | "seed" | "replicas", min: number, max: number): number | null => {
    const text = values[name];
    if (text === undefined) return null;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    problems.push(`--${name} must be a whole number from ${min} to ${max}`);
    return null;
  };
  const positive = (name: "minutes" | "virtual-seconds"): number | null => {
    const text = values[name];
    if (text === undefined) return null;
    const value = Number(text);
    if (value > 0) return value;
    problems.push(`--${name} must be a positive number`);
    return null;
  };
  const minutes = positive("minutes");
  const result: SimArguments = {
    seeds: count("seeds", 1, 1e9) ?? (minutes === null ? (values.minimize || values.trace ? 1 : 100) : null),
    firstSeed: count("seed", 0, 1e15) ?? 1,
    minutes,
    replicas: count("replicas", 1, 9),
    virtualSeconds: positive("virtual-seconds"),
    trace: values.trace === true,
    minimize: values.minimize === true,
    skip: (values.skip ?? "").split(",").filter((name) => name !== ""),
    scenario: values.scenario ?? null,
    keepGoing: values["keep-going"] === true,
    bench: values.bench === true,
  };
  return problems.length > 0 ? err(problems.join("; ")) : ok(result);
}

function parse(list: readonly string[]) {
  try {
    return ok(parseArgs({ args: [...list], options: OPTIONS }).values);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
