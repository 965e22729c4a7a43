/** One workerd that holds gateway and replicas, and what they are compared with. */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Log, LogLevel, Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../../cluster/bundle.ts";
import { guardProcess } from "../../lib/guardian.mjs";
import type { Subject } from "./subject.ts";

export interface RuntimeOptions {
  readonly replicas: number;
  /** Variables besides INITIAL_CLUSTER. */
  readonly vars?: Readonly<Record<string, string>>;
}

const CHANNEL = "child_process";

/** Resolves when the first leader serves. */
export async function startLocalRuntime({ replicas, vars = {} }: RuntimeOptions): Promise<Subject> {
  const contents = await bundleWorker("scripts/bench/worker.ts");
  const folder = mkdtempSync(join(tmpdir(), "edged-bench-"));
  const watcher = watchForRuntime();
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      // What a runtime says under load is not worth a line between the figures.
      stdout.resume();
      stderr.resume();
    },
    modules: [{ type: "ESModule", path: "worker.mjs", contents }],
    ...readCompatibility(),
    bindings: {
      INITIAL_CLUSTER: Array.from({ length: replicas }, (_, i) => `r${i + 1}=enam`).join(","),
      ALLOW_ANONYMOUS: "true",
      ...vars,
    },
    durableObjects: {
      REPLICA: { className: "Replica", useSQLite: true },
      PLAIN: { className: "PlainStore", useSQLite: true },
    },
    durableObjectsPersist: folder,
  });
  const dispose = async (): Promise<void> => {
    watcher.stop();
    await miniflare.dispose();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { origin } = await miniflare.ready;
    await untilServing(origin);
    return { urls: [origin], pids: watcher.pids, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The gateway itself waits for the first election. */
async function untilServing(origin: string): Promise<void> {
  const answer = await fetch(`${origin}/kv/warm`, { method: "PUT", body: "x" });
  if (!answer.ok) throw new Error(`no leader: ${await answer.text()}`);
}

interface RuntimeWatcher {
  readonly pids: readonly number[];
  stop(): void;
}

/** Finds the process ids of the runtimes that are started meanwhile, and has them end with this process. */
function watchForRuntime(): RuntimeWatcher {
  const pids: number[] = [];
  const listener = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess };
    child.once("spawn", () => {
      if (child.pid === undefined || !child.spawnfile.includes("workerd")) return;
      guardProcess(child.pid);
      pids.push(child.pid);
    });
  };
  subscribe(CHANNEL, listener);
  return { pids, stop: () => void unsubscribe(CHANNEL, listener) };
}
