/**
 * Sleeping while nothing happens: no timer, no message, until somebody wants something.
 *
 *   leader: idle for a while, everybody has everything --quiesce--> follower: has it too, stops its timer
 *   leader: all accepted (or were away for long) -> stops its timers
 *
 * Asleep, a leader is neither known to be alive nor missed: stickiness is off, and whoever is woken
 * probes the leader first. A leader that everybody had followed to the end of its log goes to sleep
 * with a note in its database; if its memory is lost meanwhile, it leads on in the same term when
 * it is called (openraft's leader restore). The note is gone, durably, before it says anything again,
 * since what it sends from then on may be lost with the next crash.
 *
 * Any request wakes. If the leader is lost, the replica that was asked finds that out by one failed
 * call and campaigns at once.
 */
import { assert } from "../base/assert.ts";
import { isJoint, isVoter } from "./configuration.ts";
import type { Core } from "./core.ts";
import { startPreVote } from "./election.ts";
import { broadcastHeartbeat, sendHeartbeat } from "./heartbeat.ts";
import type { Message, QuiesceRequest, QuiesceResponse } from "./message.ts";
import type { Progress } from "./progress.ts";
import { hasQuorum } from "./quorum.ts";
import { acknowledged, heard, trackMembers } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { NodeId, Sleep } from "./types.ts";

/** A member that was away when the group fell asleep is looked for again after this, then after twice as long. */
const REPAIR_MS_MIN = 60_000;
const REPAIR_MS_MAX = 3_600_000;

/** A member silent for so many election times does not keep the others awake. */
const AWAY_ELECTIONS = 2;

function isAway(core: Core, progress: Progress): boolean {
  return core.now - (progress.heardAt ?? progress.trackedAt) > AWAY_ELECTIONS * core.options.electionMs;
}

/** True when there has been nothing to do for long enough, and everybody who is there has everything. */
function maySleep(core: Core): boolean {
  const { log, options, configurations } = core;
  if (options.quiesceMs === 0 || core.now < core.activeAt + options.quiesceMs) return false;
  if (core.progress.size === 0 || core.transferee !== null || core.pendingReads.length > 0) return false;
  const { index, configuration } = configurations.latest;
  if (isJoint(configuration) || index > log.commit || !isVoter(configuration, core.id)) return false;
  if (log.commit !== log.last || log.persisted !== log.last || core.applied !== log.last) return false;
  if (log.lastTerm !== core.term) return false;
  return [...core.progress.values()].every(
    (progress) => (progress.state === "replicate" && progress.match === log.last) || isAway(core, progress),
  );
}

/** The leader's word of this heartbeat: sleep, if that is possible. False: a heartbeat is due instead. */
export function proposeSleep(core: Core): boolean {
  core.sleepAccepted = null;
  if (!maySleep(core)) return false;
  core.sleepAccepted = new Set();
  const { term, readRound: round } = core;
  for (const [id, progress] of core.progress) {
    if (isAway(core, progress)) sendHeartbeat(core, id);
    else core.send(id, { kind: "quiesce", term, index: core.log.last, indexTerm: core.log.lastTerm, round });
  }
  return true;
}

/** The leader proposes to sleep; it has been followed already. Accepted by whoever has all of its log. */
export function onQuiesce(core: Core, from: NodeId, message: QuiesceRequest): void {
  const { log, term } = core;
  const matches = log.last === message.index && log.matches(message.index, message.indexTerm);
  if (matches) {
    log.maybeCommit(message.index);
    core.electionAt = null;
    core.leaderHeardAt = null;
    core.sleep({ leader: from, round: 0, repairMs: 0, at: core.now });
  } else {
    core.leaveSleep();
  }
  const match = matches ? message.index : 0;
  core.send(from, { kind: "quiesce-response", term, round: message.round, match });
}

export function onQuiesceResponse(core: Core, from: NodeId, message: QuiesceResponse): void {
  const progress = core.progress.get(from);
  if (core.role !== "leader" || core.isAsleep || progress === undefined) return;
  heard(core, progress, message.round);
  progress.probeSent = false;
  if (message.match === 0) return;
  acknowledged(core, from, progress, message.match);
  // It was told with the proposal.
  progress.commitSent = Math.max(progress.commitSent, message.match);
  if (core.sleepAccepted === null || message.match !== core.log.last || !maySleep(core)) return;
  core.sleepAccepted.add(from);
  const accepted = core.sleepAccepted;
  const complete = [...core.progress].every(([id, other]) => accepted.has(id) || isAway(core, other));
  const backed = hasQuorum(core.configurations.current, (id) => id === core.id || accepted.has(id));
  if (complete && backed) fallAsleep(core, accepted);
}

function fallAsleep(core: Core, accepted: ReadonlySet<NodeId>): void {
  assert(core.leaderCanResume, "a leader sleeps when all of its log is durable and committed");
  core.heartbeatAt = null;
  core.quorumCheckAt = null;
  core.newsAt = null;
  core.sleepAccepted = null;
  const someAway = [...core.progress.keys()].some((id) => !accepted.has(id));
  const longer = Math.min(Math.max(REPAIR_MS_MIN, 2 * core.repairMs), REPAIR_MS_MAX);
  core.repairMs = someAway ? longer : 0;
  core.repairAt = someAway ? core.now + core.repairMs : null;
  core.sleep({ leader: core.id, round: core.readRound, repairMs: core.repairMs, at: core.now });
}

/** The leader is wanted, or looks for who was away: everybody is awake again. */
export function wakeLeader(core: Core): void {
  if (!core.isAsleep) return;
  assert(core.role === "leader", "only a leader that sleeps is woken as one");
  core.leaveSleep();
  core.activeAt = core.now;
  core.heartbeatAt = core.now + core.options.heartbeatMs;
  core.quorumCheckAt = core.now + core.options.electionMs;
  for (const progress of core.progress.values()) {
    // Nobody has had a reason to speak: they have as long as a new leader's followers.
    progress.heardAt = null;
    progress.trackedAt = core.now;
    progress.probeSent = false;
  }
  broadcastHeartbeat(core);
}

/** A client wants something of this node. */
export function wake(core: Core): void {
  if (!core.isAsleep) return;
  if (core.role === "leader") {
    wakeLeader(core);
    return;
  }
  core.leaveSleep();
  core.armElection();
  core.isProbing = core.leader !== null;
  // The others look for the leader at the same time: if it is lost, they agree to replace it sooner.
  for (const id of core.otherMembers()) core.send(id, { kind: "wake", term: core.term });
}

/** Called with a message of this term or a later one, before it is handled: what wakes, and how. */
export function rouse(core: Core, from: NodeId, message: Message): void {
  if (!core.isAsleep) return;
  switch (message.kind) {
    case "pre-vote":
    case "vote":
    case "wake":
      if (core.role === "leader") {
        wakeLeader(core);
        return;
      }
      core.leaveSleep();
      core.armElection();
      if (from === core.leader) {
        core.leader = null;
      } else if (core.leader !== null) {
        core.isProbing = true;
        core.send(core.leader, { kind: "wake", term: core.term });
      }
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
    case "timeout-now":
      if (core.role !== "leader") core.leaveSleep();
      return;
    default:
      // Late answers, and the proposal to sleep, wake nobody.
      return;
  }
}

/** Somebody was woken and looks for a leader. */
export function onWake(core: Core, from: NodeId): void {
  if (core.role === "leader") sendHeartbeat(core, from);
  else if (core.role === "follower" && core.leader === null && core.promotable) startPreVote(core);
}

/** The call to the leader that was probed failed: replace it without waiting for a timer. */
export function onProbeFailed(core: Core): void {
  becomeFollower(core, core.term, null);
  startPreVote(core);
}

/** Starts where a node that slept has lost its memory. */
export function resumeSleep(core: Core, sleep: Sleep): void {
  core.leader = sleep.leader;
  core.electionAt = null;
  core.isAsleep = true;
  if (sleep.leader !== core.id) return;
  assert(core.vote === core.id && core.leaderCanResume, "the note of a leader that may not lead on");
  core.role = "leader";
  core.isResumed = true;
  // Answers to questions of its earlier life must not confirm new ones.
  core.readRound = sleep.round;
  core.termStartIndex = core.log.commit;
  trackMembers(core, core.log.last + 1);
  core.repairMs = sleep.repairMs;
  core.repairAt = sleep.repairMs > 0 ? core.now : null;
}
