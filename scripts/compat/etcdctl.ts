/** Runs etcdctl's commands against one store, and makes what they print comparable. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "./servers.ts";
import type { Step } from "./steps.ts";

const STEP_SECONDS = 20;
/** What comes later than this after a command was told to stop, or with no lines to wait for, is not waited for. */
const SETTLE_MS = 1_500;
const MEANWHILE_MS = 10_000;

export interface Outcome {
  readonly succeeded: boolean;
  /** As printed, errors included. */
  readonly text: string;
}

export class Etcdctl implements Disposable {
  readonly #store: Store;
  readonly #folder = mkdtempSync(join(tmpdir(), "etcdctl-"));
  #lease = "";
  #files = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async run(step: Step): Promise<Outcome> {
    const child = this.#spawn(step.args, step.isSingle === true);
    const output = collect(child);
    child.stdin.on("error", () => undefined);
    if (step.meanwhile === undefined) {
      child.stdin.end(step.stdin ?? "");
    } else {
      if (step.stdin !== undefined) child.stdin.write(step.stdin);
      await this.#meanwhile(child, output, step.meanwhile);
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), (step.seconds ?? STEP_SECONDS) * 1_000);
    const code = await output.ended;
    clearTimeout(timer);
    const text = output.text();
    const granted = /lease ([0-9a-f]+) granted/.exec(text)?.[1];
    if (granted !== undefined) this.#lease = granted;
    // Whoever was interrupted has succeeded if it was running.
    return { succeeded: code === 0 || (step.meanwhile !== undefined && output.wasStopped), text };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #meanwhile(
    child: ChildProcessWithoutNullStreams,
    output: Output,
    { steps, lines }: NonNullable<Step["meanwhile"]>,
  ): Promise<void> {
    await sleep(SETTLE_MS);
    for (const args of steps) await this.run({ args });
    const deadlineMs = performance.now() + (lines === 0 ? SETTLE_MS : MEANWHILE_MS);
    while (performance.now() < deadlineMs && child.exitCode === null) {
      if (lines > 0 && output.text().split("\n").length > lines) break;
      await sleep(20);
    }
    output.wasStopped = child.exitCode === null;
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGKILL"), SETTLE_MS).unref();
  }

  #spawn(args: readonly string[], isSingle: boolean): ChildProcessWithoutNullStreams {
    const endpoints = isSingle ? this.#store.endpoints.slice(0, 1) : this.#store.endpoints;
    const filled = args.map((arg) => {
      if (arg === "{file}") this.#files += 1;
      return arg
        .replace("{lease}", this.#lease)
        .replace("{self}", endpoints[0] ?? "")
        .replace(/\{(?:last)?file\}/, join(this.#folder, `file${this.#files}`));
    });
    return spawn("etcdctl", [`--endpoints=${endpoints.join(",")}`, ...filled], {
      env: { ...process.env, ETCDCTL_API: "3" },
    });
  }
}

interface Output {
  readonly text: () => string;
  readonly ended: Promise<number | null>;
  wasStopped: boolean;
}

function collect(child: ChildProcessWithoutNullStreams): Output {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
  }
  const ended = new Promise<number | null>((end) => child.once("close", end));
  return { text: () => text, ended, wasStopped: false };
}

/** Without what two stores can never share: ids, terms, times, addresses, and etcdctl's own warnings. */
export function comparable(text: string): string {
  // Protobuf has no lines, and ids of any length.
  if (text.includes("\u0000") || /^\n./.test(text)) return "BINARY";
  return text
    .split("\n")
    .filter((line) => !line.startsWith('{"level":'))
    .join("\n")
    .replace(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replace(/"(cluster_id|member_id|raft_term|ID|lease)":\d+/g, '"$1":N')
    .replace(/"(ClusterID|MemberID|RaftTerm|Lease)" : \d+/g, '"$1" : N')
    .replace(/\b[0-9a-f]{15,16}\b/g, "ID")
    .replace(/remaining\(-?\d+s\)/g, "remaining(N)")
    .replace(/took = \S+/g, "took = T");
}
