/** An etcd of one member with an empty store. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../cluster/ports.ts";
import { guardProcess } from "../../lib/guardian.mjs";

const READY_MS = 30_000;
const POLL_MS = 50;
/** Memory, where there is some to keep files in: etcd waits for its disk with every write. */
const MEMORY = "/dev/shm";

export interface EtcdProcess {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startEtcdProcess(): Promise<EtcdProcess> {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "etcd-random-"));
  const [clientPort, peerPort] = await freePorts(2);
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const child = spawn(
    "etcd",
    [
      ...["--data-dir", folder, "--log-level", "error", "--bcrypt-cost", "4"],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", `default=${peer}`],
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise((end) => child.once("close", end));
  if (child.pid !== undefined) guardProcess(child.pid);
  const deadlineMs = performance.now() + READY_MS;
  while ((await fetch(`${client}/health`).catch(() => null))?.ok !== true) {
    if (performance.now() > deadlineMs) throw new Error(`etcd is not ready within ${READY_MS} ms`);
    await sleep(POLL_MS);
  }
  return {
    url: client,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
