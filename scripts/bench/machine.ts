/** The machine that measures, and what else it does. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly node: string;
  readonly platform: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** How much others want of the machine. */
export interface Busyness {
  /** Share of all cores that was in use while nothing of ours was loaded, 0 to 1. */
  readonly cpuShare: number;
  readonly load1: number;
}

/** Above this share figures are said to be of a busy machine. */
const BUSY_SHARE = 0.1;
const SAMPLE_MS = 1_500;

/** Looks for a moment in which this program must not load anything. */
export async function sampleBusyness(): Promise<Busyness> {
  const before = cpuTimes();
  await sleep(SAMPLE_MS);
  const after = cpuTimes();
  const total = after.total - before.total;
  return {
    cpuShare: total === 0 ? 0 : 1 - (after.idle - before.idle) / total,
    load1: loadavg()[0] ?? Number.NaN,
  };
}

export function isBusy(samples: readonly Busyness[]): boolean {
  return samples.some(({ cpuShare }) => cpuShare > BUSY_SHARE);
}

function cpuTimes(): { readonly idle: number; readonly total: number } {
  const times = cpus().map((cpu) => cpu.times);
  const idle = times.reduce((sum, time) => sum + time.idle, 0);
  return { idle, total: times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.irq, idle) };
}

/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;
/** Of what follows the command's name in /proc/PID/stat: utime and stime. */
const UTIME = 11;
const STIME = 12;

/** CPU milliseconds that the processes have used since they began; null where the system does not tell. */
export function cpuTimeMs(pids: readonly number[]): number | null {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[UTIME]) + Number(fields[STIME]);
    } catch {
      return null;
    }
  }
  return pids.length === 0 ? null : ticks * TICK_MS;
}

/** The commit that is measured, with a plus behind it when files differ from it; "unknown" without git. */
export function commitOf(): string {
  const git = (...args: readonly string[]): string | null => {
    const { status, stdout } = spawnSync("git", args, { encoding: "utf8", cwd: import.meta.dirname });
    return status === 0 ? stdout.trim() : null;
  };
  const commit = git("rev-parse", "--short", "HEAD");
  if (commit === null) return "unknown";
  return git("status", "--porcelain", "--untracked-files=no", "--", "../../src") === ""
    ? commit
    : `${commit}+`;
}

/** MiB that the processes hold in memory; null where the system does not tell. */
export function residentMib(pids: readonly number[]): number | null {
  let kib = 0;
  for (const pid of pids) {
    try {
      kib += Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return null;
    }
  }
  return kib === 0 ? null : kib / 1024;
}
