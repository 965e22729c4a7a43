/** The command line. */
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../../src/base/result.ts";
import type { Mutant } from "./mutant.ts";

export interface MutantArguments {
  readonly mutants: readonly Mutant[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly processes: number;
  readonly list: boolean;
  readonly write: boolean;
}

export const USAGE = `npm run sim:mutants -- [options]
Puts known bugs into a copy of the source, one at a time, and runs the simulator on it: each must be
found. Bugs of membership and leadership transfer are looked for by the fuzzer of the core. Bugs that
are known to be missed ("open") are left out. All of them take some ten minutes on two quiet cores.
  --only ID[,ID]   these bugs only, open ones too
  --seeds N        seeds for each before it counts as survived (300)
  --seed FIRST     the first of them (1)
  --processes N    hunts at a time (2)
  --list           name the bugs and stop
  --write          write the table to docs/mutants.md
Exit: 0 every bug found, 1 one survived or the source itself fails, 2 usage.`;

const OPTIONS = {
  only: { type: "string" },
  seeds: { type: "string" },
  seed: { type: "string" },
  processes: { type: "string" },
  list: { type: "boolean" },
  write: { type: "boolean" },
  help: { type: "boolean" },
} as const;

/** Parsed arguments, "help", or what is wrong with them. */
export function parseArguments(
  list: readonly string[],
  all: readonly Mutant[],
): Result<MutantArguments | "help", string> {
  const parsed = parse(list);
  if (!parsed.ok) return parsed;
  const { only, seeds = "300", seed = "1", processes = "2", help, ...flags } = parsed.value;
  if (help === true) return ok("help");
  const ids = only?.split(",") ?? all.filter(({ open }) => open === undefined).map(({ id }) => id);
  const unknown = ids.filter((wanted) => !all.some(({ id }) => id === wanted));
  if (unknown.length > 0) return err(`no bug is called ${unknown.join(", ")}; --list names them`);
  if (!/^[1-9]\d{0,8}$/.test(seeds) || !/^\d{1,12}$/.test(seed)) return err("seeds are whole numbers");
  if (!/^[1-9]\d?$/.test(processes)) return err("processes are 1 to 99");
  const write = flags.write === true;
  if (write && only !== undefined) return err("the table is written by a run of all bugs, without --only");
  return ok({
    mutants: flags.list === true && only === undefined ? all : all.filter(({ id }) => ids.includes(id)),
    seeds: Number(seeds),
    firstSeed: Number(seed),
    processes: Number(processes),
    list: flags.list === true,
    write,
  });
}

function parse(list: readonly string[]) {
  try {
    return ok(parseArgs({ args: [...list], options: OPTIONS }).values);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
