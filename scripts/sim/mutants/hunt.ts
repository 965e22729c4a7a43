/** Looks for a bug in a copy of the source, in a process of its own. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import type { HuntLine } from "./hunt-line.ts";
import type { Detector } from "./mutant.ts";

export interface Hunt {
  readonly detector: Detector;
  readonly firstSeed: number;
  readonly seeds: number;
  /** Told after each seed. */
  readonly progress: (seeds: number) => void;
}

export interface Finding {
  /** The invariant that found it; null: every seed passed. */
  readonly invariant: string | null;
  readonly message: string;
  /** Seeds run, the one that found it included. */
  readonly seeds: number;
  /** The last seed run. */
  readonly seed: number;
}

/** Wall time for one seed, which takes well under a second: a bug may also be an endless loop. */
const SEED_MS_MAX = 300_000;

export async function hunt(folder: string, { detector, firstSeed, seeds, progress }: Hunt): Promise<Finding> {
  const script = path.join(folder, "scripts/sim/mutants/hunt/main.ts");
  const child = spawn(process.execPath, [script, detector, String(firstSeed), String(seeds)], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const abandon = (): boolean => child.kill("SIGKILL");
  process.once("exit", abandon);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("close", (code) => resolve(code));
    child.once("error", reject);
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  let finding: Finding = { invariant: null, message: "", seeds: 0, seed: firstSeed };
  let stuck = false;
  const watch = (): NodeJS.Timeout =>
    setTimeout(() => {
      stuck = true;
      child.kill("SIGKILL");
    }, SEED_MS_MAX);
  let watchdog = watch();
  for await (const text of createInterface({ input: child.stdout })) {
    clearTimeout(watchdog);
    watchdog = watch();
    // Written by hunt/main.ts only.
    const { seed, invariant, message } = JSON.parse(text) as HuntLine;
    finding = { invariant, message, seeds: finding.seeds + 1, seed };
    progress(finding.seeds);
  }
  const code = await exited;
  process.off("exit", abandon);
  clearTimeout(watchdog);
  if (stuck)
    return { ...finding, invariant: "stuck", message: "a seed did not end", seeds: finding.seeds + 1 };
  if (code !== 0) throw new Error(`the hunt in ${folder} ended with ${code}:\n${complaint}`);
  return finding;
}
