/**
 * Real processes: one Node process and one workerd for each member, started by `npm run cluster` and
 * hurt by signals to exactly these two.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { guardGroup } from "../lib/guardian.mjs";
import type { Cluster, Member, NetworkSwitch } from "./cluster.ts";
import { HttpNetworkSwitch } from "./http-network-switch.ts";

export interface ProcessClusterOptions {
  readonly replicas: number;
  readonly port: number;
  readonly dir: string;
  /** Worker entry; one with a switch for the network adds partitions. */
  readonly entry: string;
  /** Variables of every member, as KEY=VALUE. */
  readonly vars: readonly string[];
}

/** The line that each process prints when it serves. */
interface Ready {
  readonly name: string;
  readonly pid: number;
  readonly workerd: number;
  readonly url: string;
}

const CLUSTER_SCRIPT = path.join(import.meta.dirname, "..", "cluster.mjs");
/**
 * Faults last seconds, so elections must be quicker for a new leader to be at work while the old one
 * still sleeps. A short log makes members come back by snapshot, too.
 */
const DEFAULT_VARS = ["ELECTION_MS=600", "HEARTBEAT_MS=120", "SNAPSHOT_EVERY=100"];
const READY_MS = 60_000;
const EXIT_MS = 10_000;
const POLL_MS = 10;

export async function startProcessCluster(options: ProcessClusterOptions): Promise<Cluster> {
  const cluster = new ProcessCluster(options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class ProcessCluster implements Cluster {
  #network: NetworkSwitch | null = null;
  readonly #options: ProcessClusterOptions;
  readonly #children = new Set<ChildProcess>();
  /** The latest processes of each member that are not known to have ended. */
  readonly #processes = new Map<string, Ready>();
  readonly #members: Member[] = [];
  readonly #logFile: string;

  constructor(options: ProcessClusterOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    this.#logFile = path.join(options.dir, "chaos.log");
  }

  get network(): NetworkSwitch | null {
    return this.#network;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  async start(): Promise<void> {
    const { replicas, port, dir, entry, vars } = this.#options;
    const variables = [...DEFAULT_VARS, ...vars].flatMap((item) => ["--var", item]);
    const all = ["--replicas", String(replicas), "--port", String(port), "--dir", dir, "--entry", entry];
    for (const { name, url } of await this.#launch([...all, ...variables], replicas)) {
      this.#members.push({ name, url });
    }
    this.#members.sort((a, b) => (a.name < b.name ? -1 : 1));
    const network = new HttpNetworkSwitch(this.#members);
    if (await network.isPresent()) this.#network = network;
  }

  async kill(name: string): Promise<void> {
    const ready = this.#processes.get(name);
    if (ready === undefined) return;
    this.#processes.delete(name);
    this.#signal(ready, "SIGKILL");
    for (const pid of [ready.pid, ready.workerd]) await hasEnded(pid);
  }

  async restart(names: readonly string[]): Promise<void> {
    const { dir } = this.#options;
    const dead = names.filter((name) => !this.#processes.has(name));
    if (dead.length === this.#members.length) {
      await this.#launch(["--dir", dir], dead.length);
      return;
    }
    // One after the other: each start writes the cluster's plan down again.
    for (const name of dead) await this.#launch(["--only", name, "--dir", dir], 1);
  }

  async pause(name: string): Promise<void> {
    const ready = this.#processes.get(name);
    if (ready !== undefined) this.#signal(ready, "SIGSTOP");
  }

  async resume(name: string): Promise<void> {
    const ready = this.#processes.get(name);
    if (ready !== undefined) this.#signal(ready, "SIGCONT");
  }

  async stop(): Promise<void> {
    for (const ready of this.#processes.values()) this.#signal(ready, "SIGCONT");
    const children = [...this.#children];
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(children.map((child) => endedOrKilled(child)));
    for (const name of [...this.#processes.keys()]) await this.kill(name);
  }

  #signal(ready: Ready, signal: NodeJS.Signals): void {
    for (const pid of [ready.pid, ready.workerd]) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }

  /** Runs the cluster script and waits until `count` members are ready. */
  #launch(scriptArguments: readonly string[], count: number): Promise<Ready[]> {
    const log = openSync(this.#logFile, "a");
    const child = spawn(process.execPath, [CLUSTER_SCRIPT, ...scriptArguments], {
      stdio: ["ignore", "pipe", log],
      // Not in the terminal's process group: Ctrl-C ends the storm, and the members are audited after it.
      detached: true,
    });
    closeSync(log);
    if (child.pid !== undefined) guardGroup(child.pid);
    this.#children.add(child);
    const started: Ready[] = [];
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        clearTimeout(timer);
        reject(new Error(`cluster ${scriptArguments.join(" ")}: ${what}; see ${this.#logFile}`));
      };
      const timer = setTimeout(() => fail(`not ready within ${READY_MS} ms`), READY_MS);
      child.on("error", (error) => fail(error.message));
      child.on("exit", (code) => {
        this.#children.delete(child);
        if (started.length < count) fail(`ended with code ${code} before it was ready`);
      });
      readline.createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) => {
        const ready = parseReady(line);
        if (ready === null) return;
        this.#processes.set(ready.name, ready);
        started.push(ready);
        if (started.length < count) return;
        clearTimeout(timer);
        resolve(started);
      });
    });
  }
}

function parseReady(line: string): Ready | null {
  if (!line.startsWith("{")) return null;
  const json: unknown = JSON.parse(line);
  if (typeof json !== "object" || json === null || Reflect.get(json, "event") !== "ready") return null;
  const [name, url] = [Reflect.get(json, "name"), Reflect.get(json, "url")];
  const [pid, workerd] = [Reflect.get(json, "pid"), Reflect.get(json, "workerd")];
  if (typeof name !== "string" || typeof url !== "string") return null;
  // 0 and negative numbers would address process groups.
  if (!isPid(pid) || !isPid(workerd)) throw new Error(`not a process id in ${line}`);
  return { name, url, pid, workerd };
}

function isPid(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 1;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ESRCH";
}

/** A zombie is as good as gone: it holds nothing and only waits for a parent to look at it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return true;
  }
}

/** Resolves when the process has ended, or after a while in which it did not. */
async function hasEnded(pid: number): Promise<void> {
  const deadlineMs = performance.now() + EXIT_MS;
  while (performance.now() < deadlineMs) {
    if (!isAlive(pid)) return;
    await sleep(POLL_MS);
  }
}

async function endedOrKilled(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
