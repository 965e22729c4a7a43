/** The command line of `npm run wide-area`. */
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/base/result.ts";
import { HOSTING_REGIONS, isRegion, type Region } from "./facts/round-trips.ts";

export const PARTS = ["latency", "failover", "idle", "cost"] as const;

export interface WideArguments {
  readonly placements: readonly (readonly Region[])[];
  readonly seed: number;
  readonly samples: number;
  readonly trials: number;
  readonly operations: number;
  /** Only this part; null: all. */
  readonly only: string | null;
  /** A file, or "-" for the terminal instead of tables. */
  readonly json: string | null;
  /** Tables and plots go into docs/ too. */
  readonly writeDocs: boolean;
}

const PLACEMENTS = [
  "weur,eeur,enam",
  "enam,wnam,weur",
  "enam,wnam,weur,eeur,apac-ne",
  "weur,enam,wnam,apac-ne,oc",
];

const MEMBERS_MAX = 9;

export const USAGE = `npm run wide-area -- [options]
Production replicas in virtual time, spread over regions: latencies, failovers, an idle month, and costs.
  --placement A,B,C   regions of the members, of ${HOSTING_REGIONS.join(" ")}; may be repeated
                      (${PLACEMENTS.join("; ")}); costs are those of the first
  --seed N            (1)
  --samples N         puts and gets of each kind from each region (200)
  --trials N          failovers of each kind (60)
  --operations N      puts or gets that are counted for each line of the costs (1000)
  --quick             40 samples, 15 trials, 200 operations
  --only PART         ${PARTS.join(", ")}
  --json [FILE]       everything as JSON instead of tables, or into a file besides
  --write-docs        writes tables and plots into docs/performance.md and docs/plots
Exit: 0, 1 if an idle month was not free, 2 usage.`;

const OPTIONS = {
  placement: { type: "string", multiple: true },
  seed: { type: "string" },
  samples: { type: "string" },
  trials: { type: "string" },
  operations: { type: "string" },
  quick: { type: "boolean" },
  only: { type: "string" },
  json: { type: "string" },
  "write-docs": { type: "boolean" },
  help: { type: "boolean" },
} as const;

export function parseWideArguments(list: readonly string[]): Result<WideArguments | "help", string> {
  const problems: string[] = [];
  let values: ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];
  try {
    // `--json` alone means the terminal.
    const named = list.map((argument, i) =>
      argument === "--json" && (list[i + 1] === undefined || list[i + 1]?.startsWith("--"))
        ? "--json=-"
        : argument,
    );
    values = parseArgs({ args: [...named], options: OPTIONS }).values;
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  if (values.help === true) return ok("help");
  const count = (name: "seed" | "samples" | "trials" | "operations", fallback: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
    problems.push(`--${name} ${text} is not a whole number from 1 to 9999999`);
    return fallback;
  };
  const quick = values.quick === true;
  const only = values.only ?? null;
  if (only !== null && !PARTS.some((part) => part === only))
    problems.push(`--only ${only}: it is one of ${PARTS.join(", ")}`);
  const args: WideArguments = {
    placements: (values.placement ?? PLACEMENTS).map((text) => parsePlacement(text, problems)),
    seed: count("seed", 1),
    samples: count("samples", quick ? 40 : 200),
    trials: count("trials", quick ? 15 : 60),
    operations: count("operations", quick ? 200 : 1_000),
    only,
    json: values.json ?? null,
    writeDocs: values["write-docs"] === true,
  };
  return problems.length === 0 ? ok(args) : err(problems.join("\n"));
}

function parsePlacement(text: string, problems: string[]): readonly Region[] {
  const names = text.split(",").map((name) => name.trim());
  const hosting: readonly string[] = HOSTING_REGIONS;
  for (const name of names) {
    if (!hosting.includes(name))
      problems.push(`"${name}" hosts no objects: use ${HOSTING_REGIONS.join(", ")}`);
  }
  if (names.length > MEMBERS_MAX) problems.push(`${text}: at most ${MEMBERS_MAX} members`);
  return names.filter(isRegion);
}
