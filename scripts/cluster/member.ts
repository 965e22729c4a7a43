/**
 * One member of `npm run cluster`: Miniflare with one Worker, holding one replica and serving the
 * gateway. The other members are found through the dev registry, a folder of files that name the
 * address of each Worker's runtime; calls go straight from workerd to workerd.
 *
 * Arguments: cluster folder, member name, path of the bundle. Started by main.ts, over whose channel
 * it reports, and with which it ends.
 */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, type WorkerOptions } from "miniflare";
import { guardProcess } from "../lib/guardian.mjs";
import { readCompatibility } from "./bundle.ts";
import {
  bindingName,
  type ClusterPlan,
  initialCluster,
  loadPlan,
  type PlannedMember,
  workerName,
} from "./plan.ts";
import { removeRecord, writeRecord } from "./run-record.ts";

/** What a member tells the process that started it. */
export type MemberReport =
  | { readonly kind: "ready"; readonly workerd: number; readonly url: string }
  | { readonly kind: "failed"; readonly message: string };

const HOST = "127.0.0.1";
const REGISTRY_TOUCH_MS = 1_000;
const STOP_GRACE_MS = 3_000;

let stopping = false;
const runtime = watchForRuntime();
const [dir, name, bundlePath] = process.argv.slice(2);
if (dir === undefined || name === undefined || bundlePath === undefined)
  throw new Error("see the header of member.ts");
await run(dir, name, bundlePath);

async function run(clusterDir: string, memberName: string, bundle: string): Promise<void> {
  const plan = loadPlan(clusterDir);
  const member = plan?.members.find((candidate) => candidate.name === memberName);
  if (plan === null || member === undefined) throw new Error(`${clusterDir} knows no member ${memberName}`);
  const registry = join(clusterDir, "registry");
  mkdirSync(registry, { recursive: true });
  const miniflare = new Miniflare({
    host: HOST,
    port: member.port,
    log: new Log(LogLevel.WARN),
    cf: false,
    unsafeDevRegistryPath: registry,
    durableObjectsPersist: join(clusterDir, "data", memberName),
    workers: [workerOptions(plan, member, bundle)],
  });
  endTogether(miniflare, clusterDir, memberName);
  try {
    await miniflare.ready;
  } catch (error) {
    report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
  const workerd = await runtime;
  const url = `http://${HOST}:${member.port}`;
  writeRecord(clusterDir, memberName, { pid: process.pid, workerd, url });
  keepRegistered(join(registry, workerName(plan, member)));
  report({ kind: "ready", workerd, url });
}

function workerOptions(plan: ClusterPlan, self: PlannedMember, bundle: string): WorkerOptions {
  const replicas = plan.members.map((member) => {
    const own = member.name === self.name;
    const designator = { className: "Replica", useSQLite: true };
    return [
      bindingName(member),
      own ? designator : { ...designator, scriptName: workerName(plan, member) },
    ] as const;
  });
  return {
    name: workerName(plan, self),
    modules: [{ type: "ESModule", path: "worker.mjs", contents: readFileSync(bundle, "utf8") }],
    ...readCompatibility(),
    bindings: { ...plan.vars, INITIAL_CLUSTER: initialCluster(plan) },
    durableObjects: Object.fromEntries(replicas),
  };
}

/**
 * The process id of the workerd that Miniflare starts. Miniflare would start another one when it
 * dies; a member whose runtime was killed shall stay dead until somebody restarts it.
 */
function watchForRuntime(): Promise<number> {
  return new Promise((found) => {
    subscribe("child_process", (message) => {
      const { process: child } = message as { readonly process: ChildProcess };
      child.once("spawn", () => {
        if (child.pid === undefined || !child.spawnfile.includes("workerd")) return;
        guardProcess(child.pid);
        child.once("exit", (code, signal) => {
          if (stopping) return;
          console.error(`workerd ended by itself (${signal ?? code})`);
          process.exit(1);
        });
        found(child.pid);
      });
    });
  });
}

function endTogether(miniflare: Miniflare, clusterDir: string, memberName: string): void {
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
    void miniflare.dispose().then(() => {
      removeRecord(clusterDir, memberName);
      process.exit(0);
    });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  process.on("disconnect", stop);
}

/**
 * Touches this member's file in the registry now and then: the others look when a file changes, and
 * may have looked while it was half written, or removed it while this process was paused.
 */
function keepRegistered(path: string): void {
  const contents = readFileSync(path);
  const timer = setInterval(() => {
    if (stopping) return;
    try {
      const now = new Date();
      utimesSync(path, now, now);
    } catch {
      writeFileSync(path, contents);
    }
  }, REGISTRY_TOUCH_MS);
  timer.unref();
}

function report(message: MemberReport): void {
  process.send?.(message);
}
