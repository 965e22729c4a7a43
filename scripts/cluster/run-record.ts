/** Who runs a member right now: `run/<name>.json` in the cluster's folder, and what to do with leftovers. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { replaceFile } from "./replace-file.ts";

export interface RunRecord {
  /** The Node process of the member. */
  readonly pid: number;
  /** Its workerd child. */
  readonly workerd: number;
  readonly url: string;
}

/** What became of the processes of a member's record. */
export type RunState =
  | { readonly kind: "stopped" }
  | { readonly kind: "running"; readonly record: RunRecord }
  /** The Node process is gone, workerd still holds the port. */
  | { readonly kind: "orphaned"; readonly record: RunRecord };

export function writeRecord(dir: string, name: string, record: RunRecord): void {
  const path = recordPath(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, JSON.stringify(record));
}

export function removeRecord(dir: string, name: string): void {
  rmSync(recordPath(dir, name), { force: true });
}

/** Looks at the processes themselves: a record alone proves nothing, process ids are used again. */
export function runState(dir: string, name: string): RunState {
  const record = readRecord(dir, name);
  if (record === null) return { kind: "stopped" };
  const command = commandLine(record.pid);
  if (command.includes("member.ts") && command.includes(dir)) return { kind: "running", record };
  const runtime = commandLine(record.workerd);
  const address = record.url.replace("http://", "entry=");
  if (runtime.includes("workerd") && runtime.includes(address)) return { kind: "orphaned", record };
  return { kind: "stopped" };
}

/** Kills what is left of a member. */
export function killRecorded(state: RunState): void {
  if (state.kind === "stopped") return;
  if (state.kind === "running") killHard(state.record.pid);
  killHard(state.record.workerd);
}

function killHard(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** The command line of a process, arguments separated by spaces; empty when there is none. */
function commandLine(pid: number): string {
  try {
    const proc = `/proc/${pid}/cmdline`;
    if (existsSync("/proc/self/cmdline")) return readFileSync(proc, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

function readRecord(dir: string, name: string): RunRecord | null {
  try {
    const record: unknown = JSON.parse(readFileSync(recordPath(dir, name), "utf8"));
    return isRecord(record) ? record : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is RunRecord {
  return (
    typeof value === "object" && value !== null && "pid" in value && "workerd" in value && "url" in value
  );
}

function recordPath(dir: string, name: string): string {
  return join(dir, "run", `${name}.json`);
}
