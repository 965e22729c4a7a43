/**
 * A cluster of real processes for tests: `npm run cluster` as a user runs it, on free ports, with
 * every process known by its id, so that a test can kill, pause and restart each.
 *
 *   await using cluster = await startCluster({ replicas: 3 });
 *   await cluster.kill("r2");
 *   await cluster.restart("r2");
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { guardGroup } from "../../scripts/lib/guardian.mjs";
import { untilEnded } from "./processes.ts";

const SCRIPT = resolve(import.meta.dirname, "..", "..", "scripts", "cluster.mjs");

export interface ClusterOptions {
  readonly replicas: number;
  /** Keeps the data; a new temporary folder, removed at the end, when left out. */
  readonly dir?: string;
  /** Worker entry from the project's root; src/index.ts when left out. */
  readonly entry?: string;
  readonly vars?: Readonly<Record<string, string>>;
}

/** The line that the script prints for a member. */
export interface ReadyMember {
  readonly event: "ready";
  readonly name: string;
  /** Its Node process. */
  readonly pid: number;
  /** The runtime under it, which holds the replica. */
  readonly workerd: number;
  readonly url: string;
}

export type Part = "node" | "workerd" | "both";

export class ProcessCluster implements AsyncDisposable {
  readonly dir: string;
  readonly #ownsDir: boolean;
  readonly #members = new Map<string, ReadyMember>();
  /** Processes of the script itself that were started and have not been seen to end. */
  readonly #scripts = new Set<ChildProcess>();

  constructor(dir: string, ownsDir: boolean) {
    this.dir = dir;
    this.#ownsDir = ownsDir;
  }

  get names(): readonly string[] {
    return [...this.#members.keys()].sort();
  }

  /** The latest processes of a member. */
  member(name: string): ReadyMember {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no member ${name} among ${this.names.join(", ")}`);
    return member;
  }

  /** Kills a member's processes, or one of the two, and waits until both have ended. */
  async kill(name: string, part: Part = "both"): Promise<void> {
    this.#signal(name, "SIGKILL", part);
    const { pid, workerd } = this.member(name);
    await Promise.all([untilEnded(pid), untilEnded(workerd)]);
  }

  /** Stops both processes of a member where they are; `resume` lets them go on. */
  pause(name: string): void {
    this.#signal(name, "SIGSTOP", "both");
  }

  resume(name: string): void {
    this.#signal(name, "SIGCONT", "both");
  }

  /** Starts a killed member again, on its old data and port. */
  async restart(name: string): Promise<ReadyMember> {
    await this.launch(["--only", name], 1);
    return this.member(name);
  }

  /** Runs the cluster script with these arguments until `count` members are ready. */
  async launch(args: readonly string[], count: number): Promise<void> {
    const script = spawn(process.execPath, [SCRIPT, "--dir", this.dir, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    if (script.pid !== undefined) guardGroup(script.pid);
    this.#scripts.add(script);
    let errors = "";
    script.stderr.on("data", (text: Buffer) => {
      errors += text.toString();
    });
    await new Promise<void>((ready, failed) => {
      let left = count;
      createInterface({ input: script.stdout }).on("line", (line) => {
        const member: ReadyMember = JSON.parse(line);
        this.#members.set(member.name, member);
        left -= 1;
        if (left === 0) ready();
      });
      script.once("exit", (code) => {
        this.#scripts.delete(script);
        failed(new Error(`cluster ${args.join(" ")} ended with ${code}: ${errors}`));
      });
    });
  }

  /** Kills the script's own processes and leaves their members to notice. */
  killScripts(): void {
    for (const script of this.#scripts) script.kill("SIGKILL");
  }

  /** Ends all that the scripts started, as Ctrl-C does, and waits for it. The data stays. */
  async stop(): Promise<void> {
    for (const name of this.names) this.resume(name);
    await Promise.all(
      [...this.#scripts].map((script) => {
        script.kill("SIGTERM");
        return script.pid === undefined ? undefined : untilEnded(script.pid);
      }),
    );
    const processes = [...this.#members.values()].flatMap(({ pid, workerd }) => [pid, workerd]);
    await Promise.all(processes.map(untilEnded));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#ownsDir) rmSync(this.dir, { recursive: true, force: true });
  }

  #signal(name: string, signal: NodeJS.Signals, part: Part): void {
    const { pid, workerd } = this.member(name);
    for (const target of [...(part === "workerd" ? [] : [pid]), ...(part === "node" ? [] : [workerd])]) {
      try {
        process.kill(target, signal);
      } catch {
        // It has ended already.
      }
    }
  }
}

/** Starts a cluster on free ports and waits until every member serves (not until one leads). */
export async function startCluster(options: ClusterOptions): Promise<ProcessCluster> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "edged-cluster-"));
  const cluster = new ProcessCluster(dir, options.dir === undefined);
  const vars = Object.entries(options.vars ?? {}).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
  const entry = options.entry === undefined ? [] : ["--entry", options.entry];
  try {
    await cluster.launch(
      ["--replicas", String(options.replicas), "--port", "0", ...entry, ...vars],
      options.replicas,
    );
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}
