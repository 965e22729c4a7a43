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
import type { Core } from "./core.ts";
import { startPreVote } from "./election.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type { Message, QuiesceRequest, QuiesceResponse } from "./message.ts";
import { hasQuorum } from "./quorum.ts";
import { acknowledged, heard, trackMembers } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { fallAsleep, isAway, maySleep, wakeLeader } from "./sleep.ts";
import type { NodeId, Sleep } from "./types.ts";

/** The leader proposes to sleep; it has been followed already. Accepted by whoever has all of its log. */
export function onQuiesce(core: Core, from: NodeId, message: QuiesceRequest): void {
  const { log, term } = core;
  const matches = log.last === message.index && log.matches(message.index, message.indexTerm);
  if (matches) {
    log.maybeCommit(message.index);
    core.sleptOver = { index: log.last, term };
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

/** A client wants something of this node. */
export function wake(core: Core): void {
  if (!core.isAsleep) return;
  if (core.role === "leader") {
    wakeLeader(core);
    return;
  }
  core.leaveSleep();
  probe(core);
}

/**
 * The election timer fired. A late message may have woken this node alone, while its leader sleeps and
 * means no silence: if nothing came since it agreed to sleep, it asks before it campaigns.
 */
export function onElectionTimeout(core: Core): void {
  const { sleptOver, log, term } = core;
  const isAlone = sleptOver?.index === log.last && sleptOver.term === term;
  if (isAlone && core.role === "follower" && core.leader !== null && !core.isProbing) probe(core);
  else startPreVote(core);
}

function probe(core: Core): void {
  core.armElection();
  if (core.leader !== null) beginProbing(core);
  // The others look for the leader at the same time: if it is lost, they agree to replace it sooner.
  for (const id of core.otherMembers()) core.send(id, { kind: "wake", term: core.term });
}

function beginProbing(core: Core): void {
  core.isProbing = true;
  core.probedAt = core.now;
}

/** Called with every message before it is handled: what wakes, and how. */
export function rouse(core: Core, from: NodeId, message: Message): void {
  if (!core.isAsleep) return;
  switch (message.kind) {
    case "pre-vote":
    case "vote":
    case "wake":
      rouseForAsker(core, from);
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
    case "timeout-now":
      // Of an earlier term: a leader that was away does not know that it was replaced.
      if (message.term < core.term) rouseForAsker(core, from);
      else if (core.role !== "leader") core.leaveSleep();
      return;
    default:
      // Late answers, and the proposal to sleep, wake nobody.
      return;
  }
}

/** Somebody is without the leader that this node sleeps behind, or sleeps as. */
function rouseForAsker(core: Core, from: NodeId): void {
  if (core.role === "leader") {
    wakeLeader(core);
    return;
  }
  core.leaveSleep();
  core.armElection();
  if (from === core.leader) {
    core.leader = null;
  } else if (core.leader !== null) {
    beginProbing(core);
    core.send(core.leader, { kind: "wake", term: core.term });
  }
}

/** Somebody was woken and looks for a leader. */
export function onWake(core: Core, from: NodeId): void {
  if (core.role === "leader") {
    // Whoever asks is awake: that it agreed to sleep, a moment ago, is over.
    core.sleepAccepted = null;
    sendHeartbeat(core, from);
  } else if (core.role === "follower" && core.leader === null && core.promotable) startPreVote(core);
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
  core.sleptOver = { index: core.log.last, term: core.term };
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
