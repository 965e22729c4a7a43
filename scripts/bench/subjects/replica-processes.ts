/** A cluster with each replica in a process of its own (`npm run cluster`), with the default settings. */
import { DEFAULT_RAFT_OPTIONS } from "../../../src/raft/options.ts";
import type { Cluster } from "../../chaos/cluster.ts";
import { startProcessCluster } from "../../chaos/process-cluster.ts";
import { runState } from "../../cluster/run-record.ts";
import type { Subject } from "./subject.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const DEFAULT_ELECTION_MS = DEFAULT_RAFT_OPTIONS.electionMs;
export const DEFAULT_HEARTBEAT_MS = DEFAULT_RAFT_OPTIONS.heartbeatMs;

/** The default of the variable of this name. */
const SNAPSHOT_EVERY = 10_000;

export interface ReplicaProcesses extends Subject {
  /** For starting and killing members. */
  readonly cluster: Cluster;
}

/** Resolves when all members are ready; a leader may still have to be elected. */
export async function startReplicaProcesses(replicas: number): Promise<ReplicaProcesses> {
  const folder = temporaryFolder("edged-bench-");
  const dir = folder.path;
  try {
    const cluster = await startProcessCluster({
      replicas,
      port: 0,
      dir,
      entry: "src/index.ts",
      vars: [
        `ELECTION_MS=${DEFAULT_ELECTION_MS}`,
        `HEARTBEAT_MS=${DEFAULT_HEARTBEAT_MS}`,
        `SNAPSHOT_EVERY=${SNAPSHOT_EVERY}`,
      ],
    });
    return {
      cluster,
      urls: cluster.members.map(({ url }) => url),
      pids: cluster.members.flatMap(({ name }) => pidsOf(dir, name)),
      [Symbol.asyncDispose]: async () => {
        await cluster.stop();
        folder.remove();
      },
    };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** The runtime alone: the Node process above it only waits. */
function pidsOf(dir: string, name: string): readonly number[] {
  const state = runState(dir, name);
  return state.kind === "running" ? [state.record.workerd] : [];
}
