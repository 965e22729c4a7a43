/** Changes of role. Each leaves no trace of the role before. */
import { assert } from "../base/assert.ts";
import type { Core } from "./core.ts";
import type { NodeId } from "./types.ts";

function leaveRole(core: Core): void {
  core.votes = new Map();
  core.campaignIsTransfer = false;
  core.progress = new Map();
  core.transferee = null;
  core.transferAt = null;
  core.newsAt = null;
  core.heartbeatAt = null;
  core.quorumCheckAt = null;
  core.sleepAccepted = null;
  core.isResumed = false;
  core.isProbing = false;
  core.leaveSleep();
  core.uncommittedBytes = 0;
  core.snapshotsWanted = new Set();
  // A read waits for *this* leadership; another leader may know of later commits.
  for (const read of core.pendingReads) core.reads.push({ id: read.id, index: null });
  core.pendingReads = [];
}

/**
 * Follows `leader` (null: nobody known) in `term`, which may be the current one: then the vote
 * stays, whatever the reason for stepping down.
 */
export function becomeFollower(core: Core, term: number, leader: NodeId | null): void {
  if (term > core.term) core.enterTerm(term);
  assert(term === core.term, "a node never returns to an earlier term");
  leaveRole(core);
  core.role = "follower";
  core.leader = leader;
  core.leaderHeardAt = leader === null ? null : core.now;
  core.armElection();
}

/** Asks around before disturbing anybody: neither term nor vote changes. */
export function becomePreCandidate(core: Core): void {
  assert(core.role !== "leader", "a leader does not campaign");
  leaveRole(core);
  core.role = "pre-candidate";
  core.leader = null;
  core.leaderHeardAt = null;
  core.armElection();
}

export function becomeCandidate(core: Core): void {
  assert(core.role !== "leader", "a leader does not campaign");
  assert(core.promotable, "only voters campaign");
  leaveRole(core);
  core.enterTerm(core.term + 1);
  core.voteFor(core.id);
  core.role = "candidate";
  core.leader = null;
  core.leaderHeardAt = null;
  core.armElection();
}
