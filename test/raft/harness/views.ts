/** Shows the harness's replicas to the invariants. */
import { defined } from "../../../src/base/assert.ts";
import type { Core } from "../../../src/raft/core.ts";
import type { Raft } from "../../../src/raft/raft.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { DurableView, LiveView, LogView, NodeView } from "../invariants/view.ts";
import type { DiskState } from "./disk.ts";
import type { TestReplica } from "./replica.ts";

export function viewNode(replica: TestReplica): NodeView {
  const { id, incarnation, disk, raft } = replica;
  return { id, incarnation, durable: viewDisk(disk.durable), live: raft === null ? null : viewLive(raft) };
}

function viewDisk(state: DiskState): DurableView {
  const { term, vote, snapshot, last, commit, applied, content } = state;
  const log: LogView = { snapshot, last, entry: (index) => state.entry(index) };
  return { term, vote, log, commit, applied, content };
}

export function isTimed(core: Core): boolean {
  const { electionAt, heartbeatAt, quorumCheckAt, transferAt, newsAt } = core;
  return [electionAt, heartbeatAt, quorumCheckAt, transferAt, newsAt].some((at) => at !== null);
}

/** How long ago a leader heard `id`, or began to wait for it. */
export function silentMs(core: Core, id: NodeId): number {
  const { heardAt, trackedAt } = defined(core.progress.get(id), `${id} follows`);
  return core.now - (heardAt ?? trackedAt);
}

function viewLive({ core }: Raft): LiveView {
  const { role, term, vote, applied, configurations, uncommittedBytes, options } = core;
  const { snapshot, last, commit } = core.log;
  const log: LogView = {
    snapshot,
    last,
    entry: (index) => defined(core.log.entries(index, index, 0)[0], "the log has what it counts"),
  };
  return {
    role,
    term,
    vote,
    log,
    commit,
    applied,
    configuration: configurations.current,
    configurationAt: (index) => configurations.at(index),
    followers: [...core.progress].map(([id, { match, next, inflights }]) => ({
      id,
      match,
      next,
      inflightMessages: inflights.count,
      inflightBytes: inflights.bytes,
    })),
    silentMs: (id) => silentMs(core, id),
    uncommittedBytes,
    bounds: options,
    isAsleep: core.isAsleep,
    isResumed: core.isResumed,
    isTimed: isTimed(core),
  };
}
