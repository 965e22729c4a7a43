/**
 * `npm run cluster`: a cluster on one machine, each replica in a workerd process of its own, each
 * also serving the gateway. One JSON line per process on standard output; everything else on
 * standard error and in the folder's `logs`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { writeBundle } from "./bundle.ts";
import type { MemberReport } from "./member.ts";
import { type ClusterPlan, loadPlan, MEMBERS_MAX, newPlan, type PlannedMember, savePlan } from "./plan.ts";
import { freePorts } from "./ports.ts";
import { killRecorded, runState } from "./run-record.ts";

const HELP = `Usage: npm run cluster -- [options]

  --replicas N      members of a new cluster, 1 to ${MEMBERS_MAX} (default 3)
  --port P          member rK serves on P + K - 1 (default 8900; 0 takes free ports)
  --dir DIR         where everything is kept (default .edged/cluster); a folder that holds a
                    cluster is started again as it was
  --only NAME       start just this member again, on the same --dir
  --restart NAME    the same, killing it first if it still runs
  --entry FILE      Worker entry (default src/index.ts)
  --var KEY=VALUE   a variable for every member, may be repeated

Prints {"event":"ready","name","pid","workerd","url"} per member: pid is its Node process, workerd the
runtime under it. Either may be killed at any time; the data stays. Ctrl-C ends all it started.`;

const DEFAULT_PORT = 8_900;
const STOP_GRACE_MS = 6_000;

/** Whether the members are being ended on purpose. */
let stopping = false;

await main();

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  const dir = resolve(options.dir);
  const plan = await choosePlan(dir, options);
  const members = chooseMembers(dir, plan, options);
  const bundle = await writeBundle(plan.entry, join(dir, "bundle")).catch((error: Error) =>
    fail(error.message),
  );
  const children = members.map((member) => startMember(dir, member, bundle));
  onStopSignal(
    () => stopAll(children, "SIGTERM"),
    () => stopAll(children, "SIGKILL"),
  );
  const codes = await Promise.all(children.map((child) => child.ended));
  process.exitCode = stopping ? 0 : Math.max(...codes);
}

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        replicas: { type: "string" },
        port: { type: "string" },
        dir: { type: "string", default: join(".edged", "cluster") },
        only: { type: "string" },
        restart: { type: "string" },
        entry: { type: "string" },
        var: { type: "string", multiple: true, default: [] },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}

async function choosePlan(dir: string, options: Options): Promise<ClusterPlan> {
  const kept = loadPlan(dir);
  const single = options.only ?? options.restart;
  if (kept === null) {
    if (single !== undefined) fail(`${dir} holds no cluster; start one without --only and --restart first`);
    const replicas = count("--replicas", options.replicas, 3, 1, MEMBERS_MAX);
    const port = count("--port", options.port, DEFAULT_PORT, 0, 65_535 - replicas);
    const ports = port === 0 ? await freePorts(replicas) : consecutive(port, replicas);
    const plan = newPlan(ports, options.entry ?? "src/index.ts", readVars(options.var));
    savePlan(dir, plan);
    return plan;
  }
  const members = count("--replicas", options.replicas, kept.members.length, 1, MEMBERS_MAX);
  if (members !== kept.members.length) {
    fail(`${dir} holds a cluster of ${kept.members.length}; leave --replicas out or use another --dir`);
  }
  const plan = {
    ...kept,
    entry: options.entry ?? kept.entry,
    vars: { ...kept.vars, ...readVars(options.var) },
  };
  if (options.port !== undefined && single === undefined) {
    const port = count("--port", options.port, DEFAULT_PORT, 0, 65_535 - members);
    if (port > 0)
      plan.members = kept.members.map((member, position) => ({ ...member, port: port + position }));
  }
  savePlan(dir, plan);
  return plan;
}

function chooseMembers(dir: string, plan: ClusterPlan, options: Options): readonly PlannedMember[] {
  const single = options.restart ?? options.only;
  const members = single === undefined ? plan.members : plan.members.filter(({ name }) => name === single);
  if (members.length === 0)
    fail(`there is no member ${single}; there are ${plan.members.map(({ name }) => name).join(", ")}`);
  for (const { name } of members) {
    const state = runState(dir, name);
    if (state.kind === "running" && options.restart === undefined) {
      fail(`${name} runs already (pid ${state.record.pid}); end it first, or use --restart ${name}`);
    }
    killRecorded(state);
  }
  return members;
}

interface Child {
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The exit code; a killed one counts as 1. */
  readonly ended: Promise<number>;
}

function startMember(dir: string, member: PlannedMember, bundle: string): Child {
  const logs = join(dir, "logs");
  mkdirSync(logs, { recursive: true });
  const logPath = join(logs, `${member.name}.log`);
  const log = openSync(logPath, "a");
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "member.ts"), dir, member.name, bundle],
    // Not in the terminal's process group: Ctrl-C reaches this process, which ends its members in order.
    { stdio: ["ignore", log, log, "ipc"], detached: true },
  );
  child.on("message", (message) => announce(member, child.pid, message as MemberReport));
  const ended = new Promise<number>((resolveCode) => {
    child.on("exit", (code, signal) => {
      if (!stopping) {
        const again = `npm run cluster -- --only ${member.name} --dir ${dir}`;
        console.error(
          `edged: ${member.name} ended (${signal ?? `exit code ${code}`}; log: ${logPath}); start it again: ${again}`,
        );
      }
      resolveCode(code ?? 1);
    });
  });
  return { kill: (signal) => child.kill(signal), ended };
}

function announce(member: PlannedMember, pid: number | undefined, message: MemberReport): void {
  if (message.kind === "failed") {
    console.error(`edged: ${member.name} on port ${member.port}: ${message.message}`);
    return;
  }
  const { workerd, url } = message;
  console.log(JSON.stringify({ event: "ready", name: member.name, pid, workerd, url }));
}

function stopAll(children: readonly Child[], signal: NodeJS.Signals): void {
  stopping = true;
  for (const child of children) child.kill(signal);
  // A paused member cannot hear; its guardian ends its runtime.
  if (signal !== "SIGKILL") setTimeout(() => stopAll(children, "SIGKILL"), STOP_GRACE_MS).unref();
}

function readVars(items: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    items.map((item) => {
      const split = item.indexOf("=");
      if (split < 1) fail(`--var ${item}: write --var KEY=VALUE`);
      return [item.slice(0, split), item.slice(split + 1)];
    }),
  );
}

function count(option: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  return fail(`${option} is "${text}"; set it to a whole number from ${min} to ${max}`);
}

function consecutive(first: number, length: number): readonly number[] {
  return Array.from({ length }, (_, position) => first + position);
}

function fail(message: string): never {
  console.error(`edged: ${message}`);
  process.exit(1);
}
