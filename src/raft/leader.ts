/** Being leader: taking office, taking proposals, keeping the quorum. */
import { assert } from "../base/assert.ts";
import {
  type ConfigurationProblem,
  checkTarget,
  type MembershipTarget,
  nextConfiguration,
} from "./configuration.ts";
import type { Core } from "./core.ts";
import { broadcastHeartbeat } from "./heartbeat.ts";
import { hasQuorum } from "./quorum.ts";
import { beginWaitingRound } from "./read-index.ts";
import { appendAsLeader, trackMembers } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { proposeSleep, wakeLeader } from "./sleep.ts";
import { abortTransfer } from "./transfer.ts";

export type ProposeResult =
  | { readonly kind: "accepted"; readonly index: number; readonly term: number }
  | { readonly kind: "not-leader" }
  /** Leadership is being handed over; ask again in a moment. */
  | { readonly kind: "transferring" }
  /** Too many bytes are waiting for a quorum. */
  | { readonly kind: "overloaded" };

export type ConfigurationResult =
  | { readonly kind: "accepted"; readonly index: number; readonly term: number }
  | { readonly kind: "not-leader" }
  | { readonly kind: "transferring" }
  /** Another change is not committed yet, or this leader has not committed an entry of its own term. */
  | { readonly kind: "pending" }
  | { readonly kind: "refused"; readonly problem: ConfigurationProblem };

export function becomeLeader(core: Core): void {
  assert(core.role === "candidate", "only a candidate becomes leader");
  assert(core.vote === core.id, "a leader has voted for itself");
  core.role = "leader";
  core.leader = core.id;
  core.leaderHeardAt = core.now;
  core.votes = new Map();
  core.campaignIsTransfer = false;
  core.electionAt = null;
  core.uncommittedBytes = 0;
  core.progress = new Map();
  core.termStartIndex = core.log.last + 1;
  trackMembers(core, core.termStartIndex);
  core.heartbeatAt = core.now + core.options.heartbeatMs;
  core.quorumCheckAt = core.now + core.options.electionMs;
  core.repairMs = 0;
  appendAsLeader(core, { kind: "empty" });
}

export function propose(core: Core, data: Uint8Array): ProposeResult {
  if (core.role !== "leader") return { kind: "not-leader" };
  if (core.transferee !== null) return { kind: "transferring" };
  wakeLeader(core);
  if (core.uncommittedBytes > 0 && core.uncommittedBytes + data.length > core.options.uncommittedBytesMax) {
    return { kind: "overloaded" };
  }
  return { kind: "accepted", index: appendAsLeader(core, { kind: "command", data }), term: core.term };
}

/** One change at a time, and none before this leader's own term has a committed entry (Ongaro 2015). */
export function proposeConfiguration(core: Core, target: MembershipTarget): ConfigurationResult {
  if (core.role !== "leader") return { kind: "not-leader" };
  if (core.transferee !== null) return { kind: "transferring" };
  wakeLeader(core);
  const { index: latestIndex, configuration } = core.configurations.latest;
  const problem = checkTarget(configuration, target);
  if (problem === "already-joint") return { kind: "pending" };
  if (latestIndex > core.log.commit || core.log.commit < core.termStartIndex) return { kind: "pending" };
  if (problem !== null) return { kind: "refused", problem };
  const next = nextConfiguration(configuration, target);
  return {
    kind: "accepted",
    index: appendAsLeader(core, { kind: "configuration", configuration: next }),
    term: core.term,
  };
}

/** Fires what is due. A late call fires each thing once, never the number of times it was missed. */
export function tickLeader(core: Core): void {
  if (core.repairAt !== null && core.now >= core.repairAt) wakeLeader(core);
  if (core.transferAt !== null && core.now >= core.transferAt) abortTransfer(core);
  if (core.quorumCheckAt !== null && core.now >= core.quorumCheckAt) {
    if (!hearsQuorum(core)) {
      becomeFollower(core, core.term, null);
      return;
    }
    core.quorumCheckAt = core.now + core.options.heartbeatMs;
  }
  if (core.heartbeatAt !== null && core.now >= core.heartbeatAt) {
    core.heartbeatAt = core.now + core.options.heartbeatMs;
    beginWaitingRound(core);
    if (!proposeSleep(core)) broadcastHeartbeat(core);
  }
}

/** Members just added have as long to be heard as a new leader's: else adding them would depose it. */
function hearsQuorum(core: Core): boolean {
  const { now, options } = core;
  return hasQuorum(core.configurations.current, (id) => {
    if (id === core.id) return true;
    const progress = core.progress.get(id);
    if (progress === undefined) return false;
    if (progress.heardAt === null) return now - progress.trackedAt < options.electionMs;
    return now - progress.heardAt <= options.electionMs;
  });
}
