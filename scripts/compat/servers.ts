/** The two stores that are compared: edged behind its bridge, and a real etcd, each of three members. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEtcd as startEtcdCluster } from "../bench/subjects/etcd-cluster.ts";
import { startBridge } from "../bridge/bridge.ts";
import { startProcessCluster } from "../chaos/process-cluster.ts";

const READY_MS = 60_000;
const POLL_MS = 200;
const MEMBERS = 3;

export interface Store {
  readonly name: string;
  /** host:port pairs for `--endpoints`. */
  readonly endpoints: readonly string[];
  stop(): Promise<void>;
}

export async function startEdged(): Promise<Store> {
  const dir = mkdtempSync(join(tmpdir(), "edged-compat-"));
  const cluster = await startProcessCluster({
    replicas: MEMBERS,
    port: 0,
    dir,
    entry: "src/index.ts",
    vars: ["ELECTION_MS=1500", "HEARTBEAT_MS=250", "SNAPSHOT_EVERY=10000"],
  });
  const urls = cluster.members.map(({ url }) => url);
  const bridge = await startBridge({ endpoints: urls, host: "127.0.0.1", port: 0, token: null, tls: null });
  await untilHealthy(bridge.url);
  return {
    name: "edged",
    endpoints: [new URL(bridge.url).host],
    stop: async () => {
      await bridge.close();
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function startEtcd(): Promise<Store> {
  const etcd = await startEtcdCluster();
  return {
    name: "etcd",
    endpoints: etcd.urls.map((url) => new URL(url).host),
    stop: async () => etcd[Symbol.asyncDispose](),
  };
}

async function untilHealthy(url: string): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (performance.now() < deadlineMs) {
    const response = await fetch(`${url}/health`).catch(() => null);
    if (response?.ok === true) return;
    await sleep(POLL_MS);
  }
  throw new Error(`${url} is not healthy within ${READY_MS} ms`);
}
