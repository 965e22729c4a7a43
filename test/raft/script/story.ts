/** A cluster that is told what happens and writes down what came of it. */
import { defined } from "../../../src/base/assert.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { TestCluster } from "../harness/cluster.ts";
import { describeWork } from "../harness/describe.ts";
import type { TestReplica } from "../harness/replica.ts";

export class Story {
  #cluster: TestCluster | null = null;
  #lines: string[] = [];
  /** While false, only role changes are written down. */
  verbose = true;
  readonly #roles = new Map<NodeId, string>();

  get cluster(): TestCluster {
    return defined(this.#cluster, "the story begins with `cluster`");
  }

  begin(cluster: TestCluster): void {
    this.#cluster = cluster;
    this.#roles.clear();
    cluster.listener = {
      effects: (replica, effects) => {
        this.#noteRole(replica);
        if (this.verbose) for (const work of describeWork(effects)) this.print(`  ${replica.id}: ${work}`);
      },
      output: (replica, output) => {
        if (!this.verbose) return;
        if (output.kind === "write") this.print(`  ${replica.id}: acknowledges ${output.index}`);
        if (output.kind === "read" && output.index !== null) {
          this.print(`  ${replica.id}: answers read ${output.id} at ${output.index}`);
        }
      },
    };
  }

  print(line: string): void {
    this.#lines.push(line);
  }

  /** What was written since the last call. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** A node that stops is in no role. */
  forget(id: NodeId): void {
    this.#roles.delete(id);
  }

  #noteRole(replica: TestReplica): void {
    const { core } = replica.running;
    const leader = core.role === "follower" && core.leader !== null ? ` of ${core.leader}` : "";
    const role = `${core.role}${leader} t${core.term}`;
    if (this.#roles.get(replica.id) === role) return;
    this.#roles.set(replica.id, role);
    if (role !== "follower t0") this.print(`  ${replica.id}: is ${role}`);
  }
}
