/** One workerd that holds gateway and replicas, and what they are compared with. */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Readable } from "node:stream";
import { Log, LogLevel, Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../../cluster/bundle.ts";
import { guardProcess } from "../../lib/guardian.mjs";
import type { Subject } from "./subject.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface RuntimeOptions {
  readonly replicas: number;
  /** Variables besides INITIAL_CLUSTER. */
  readonly vars?: Readonly<Record<string, string>>;
}

const CHANNEL = "child_process";

/** Resolves when the first leader serves. */
export async function startLocalRuntime({ replicas, vars = {} }: RuntimeOptions): Promise<Subject> {
  const contents = await bundleWorker("scripts/bench/worker.ts");
  const folder = temporaryFolder("edged-bench-");
  const watcher = watchForRuntime();
  const miniflare = unheardOfSignals(
    () =>
      new Miniflare({
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
        durableObjectsPersist: folder.path,
      }),
  );
  const dispose = async (): Promise<void> => {
    watcher.stop();
    await miniflare.dispose();
    folder.remove();
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

/** Miniflare ends the whole process at once when a signal comes, but everything shall end in order. */
function unheardOfSignals<T>(make: () => T): T {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = signals.map((signal) => process.listeners(signal));
  const made = make();
  for (const [position, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (before[position]?.includes(listener) !== true) process.off(signal, listener);
    }
  }
  return made;
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
