/** A cluster of real processes for tests: short timers, a folder of its own that goes with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startProcessCluster } from "../../../scripts/chaos/process-cluster.ts";
import { KvClient } from "./kv-client.ts";
import type { LeaderBook } from "./leader-book.ts";

type Cluster = Awaited<ReturnType<typeof startProcessCluster>>;

export class ProcessMembers implements AsyncDisposable {
  readonly processes: Cluster;
  readonly members: readonly string[];
  readonly #clients: ReadonlyMap<string, KvClient>;
  readonly #dir: string;

  private constructor(processes: Cluster, dir: string, book: LeaderBook) {
    this.processes = processes;
    this.#dir = dir;
    this.members = processes.members.map(({ name }) => name);
    this.#clients = new Map(processes.members.map(({ name, url }) => [name, new KvClient(url, book)]));
  }

  static async start(replicas: number, vars: readonly string[], book: LeaderBook): Promise<ProcessMembers> {
    const dir = await mkdtemp(path.join(tmpdir(), "edged-test-"));
    const entry = "src/index.ts";
    const processes = await startProcessCluster({ replicas, port: 0, dir, entry, vars });
    return new ProcessMembers(processes, dir, book);
  }

  /** A client of the gateway in this member's process. */
  at(member: string): KvClient {
    const client = this.#clients.get(member);
    if (client === undefined) throw new Error(`no process is called ${member}`);
    return client;
  }

  get clients(): readonly KvClient[] {
    return [...this.#clients.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.processes.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
