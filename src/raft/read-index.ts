/**
 * Linearizable reads without log entries (thesis 6.4): note the commit index, let a quorum confirm
 * in a round begun afterwards that this node still leads, then answer once applied.
 *
 * Rounds are shared: reads that arrive while a round is out wait together for the next one, so the
 * number of rounds is bounded by the network, not by the reads. Every append and heartbeat carries
 * the newest round and any answer in this term confirms it.
 */
import { assert } from "../base/assert.ts";
import type { Core } from "./core.ts";
import { broadcastHeartbeat } from "./heartbeat.ts";
import { quorumReached } from "./quorum.ts";
import { wakeLeader } from "./sleep.ts";

/** A leader may answer only after an entry of its own term is committed: before, its commit index may be old. */
function knowsCommit(core: Core): boolean {
  return core.log.commit >= core.termStartIndex;
}

/** The newest round that a quorum, counting this node itself, has confirmed. */
function confirmedRound(core: Core): number {
  return quorumReached(core.configurations.current, (id) =>
    id === core.id ? core.readRound : (core.progress.get(id)?.round ?? 0),
  );
}

function startRound(core: Core): void {
  core.readRound += 1;
  broadcastHeartbeat(core);
}

/** Queues a read; decided through `Effects.reads`. */
export function addRead(core: Core, id: number): void {
  if (core.role !== "leader") {
    core.reads.push({ id, index: null });
    return;
  }
  wakeLeader(core);
  core.activeAt = core.now;
  if (!knowsCommit(core)) {
    core.pendingReads.push({ id, index: null, round: 0 });
    return;
  }
  const confirmed = confirmedRound(core);
  const roundIsOut = core.pendingReads.some((read) => read.index !== null && read.round > confirmed);
  // The round after the one that is out; it starts when that one is confirmed or at the next heartbeat.
  core.pendingReads.push({ id, index: core.log.commit, round: core.readRound + 1 });
  if (!roundIsOut) startRound(core);
  releaseReads(core);
}

/** Called when the commit index moved: reads that arrived too early get their index and their round. */
export function readsCommitted(core: Core): void {
  if (!knowsCommit(core) || core.pendingReads.every((read) => read.index !== null)) return;
  for (const read of core.pendingReads) {
    if (read.index !== null) continue;
    read.index = core.log.commit;
    read.round = core.readRound + 1;
  }
  startRound(core);
  releaseReads(core);
}

/**
 * Called when more may be confirmed than before: an answer raised somebody's round, or the
 * configuration needs fewer. Begins the next round when none is out; in a cluster of one that
 * confirms itself at once.
 */
export function releaseReads(core: Core): void {
  while (core.pendingReads.length > 0) {
    const confirmed = confirmedRound(core);
    const waiting = [];
    for (const read of core.pendingReads) {
      if (read.index === null || read.round > confirmed) {
        waiting.push(read);
        continue;
      }
      assert(read.index <= core.log.commit, "a read index is a commit index");
      core.reads.push({ id: read.id, index: read.index });
    }
    core.pendingReads = waiting;
    // While a round is out, the reads that wait for the next one gather.
    if (confirmed < core.readRound) return;
    if (!waiting.some((read) => read.index !== null && read.round > core.readRound)) return;
    startRound(core);
  }
}

/** Reads whose round has not begun ride on the heartbeat that is about to be sent. */
export function beginWaitingRound(core: Core): void {
  if (core.pendingReads.some((read) => read.index !== null && read.round > core.readRound))
    core.readRound += 1;
}
