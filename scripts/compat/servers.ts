/** The two stores that are compared: edged behind its bridge, and a real etcd, each of three members. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBridge } from "../bridge/bridge.ts";
import { startProcessCluster } from "../chaos/process-cluster.ts";
import { freePorts } from "../cluster/ports.ts";
import { guardProcess } from "../lib/guardian.mjs";

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
  const dir = mkdtempSync(join(tmpdir(), "etcd-compat-"));
  const ports = await freePorts(2 * MEMBERS);
  const members = Array.from({ length: MEMBERS }, (_, position) => ({
    name: `m${position + 1}`,
    client: `http://127.0.0.1:${ports[2 * position]}`,
    peer: `http://127.0.0.1:${ports[2 * position + 1]}`,
  }));
  const initial = members.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const children: ChildProcess[] = members.map(({ name, client, peer }) => {
    const data = join(dir, name);
    mkdirSync(data, { mode: 0o700 });
    const log = openSync(join(dir, `${name}.log`), "a");
    const child = spawn(
      "etcd",
      [
        ...["--name", name, "--data-dir", data, "--log-level", "error"],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", initial, "--initial-cluster-state", "new"],
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    if (child.pid !== undefined) guardProcess(child.pid);
    return child;
  });
  for (const { client } of members) await untilHealthy(client);
  return {
    name: "etcd",
    endpoints: members.map(({ client }) => new URL(client).host),
    stop: async () => {
      const ended = children.map((child) => new Promise((end) => child.once("exit", end)));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ended);
      rmSync(dir, { recursive: true, force: true });
    },
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
