/** A real etcd of one member, where one is installed. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { eventually } from "../worker/support/eventually.ts";

const run = promisify(execFile);
const ENVIRONMENT = { ...process.env, ETCDCTL_API: "3" };

export const hasEtcd = await Promise.all([
  run("etcd", ["--version"]),
  run("etcdctl", ["version"], { env: ENVIRONMENT }),
]).then(
  () => true,
  () => false,
);

export async function etcdctl(...args: readonly string[]): Promise<string> {
  return (await run("etcdctl", [...args], { env: ENVIRONMENT, maxBuffer: 1 << 28 })).stdout;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export class RealEtcd implements AsyncDisposable {
  readonly endpoint: string;
  readonly #process: ChildProcess;

  private constructor(endpoint: string, process: ChildProcess) {
    this.endpoint = endpoint;
    this.#process = process;
  }

  static async start(folder: string): Promise<RealEtcd> {
    const [client, peer] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${client}`;
    const args = [
      ...["--data-dir", folder, "--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", `http://127.0.0.1:${peer}`],
    ];
    const etcd = new RealEtcd(url, spawn("etcd", args, { stdio: "ignore" }));
    await eventually("etcd answers", () =>
      etcd.ctl("endpoint", "health").then(
        () => true,
        () => null,
      ),
    );
    return etcd;
  }

  ctl(...args: readonly string[]): Promise<string> {
    return etcdctl("--endpoints", this.endpoint, ...args);
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.endpoint}/v3${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    // etcd's own gateway answers with objects.
    return (await response.json()) as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((exit) => this.#process.once("exit", exit));
    this.#process.kill("SIGTERM");
    await ended;
  }
}
