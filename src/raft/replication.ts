/** The leader's side of the log: appending, sending, hearing back, committing (paper 5.3, 5.4.2). */
import { assert } from "../base/assert.ts";
import { allMembers, isJoint, isVoter, leaveJoint } from "./configuration.ts";
import type { Core } from "./core.ts";
import type { AppendResponse, HeartbeatResponse } from "./message.ts";
import type { Progress } from "./progress.ts";
import { Progress as ProgressOf } from "./progress.ts";
import { quorumReached } from "./quorum.ts";
import { readsCommitted, releaseReads } from "./read-index.ts";
import { becomeFollower } from "./roles.ts";
import { bestSuccessor, maybeHandOver } from "./transfer.ts";
import { type Configuration, type Entry, entryBytes, type NodeId } from "./types.ts";

/** An entry before the leader gives it a place. */
export type Draft =
  | { readonly kind: "command"; readonly data: Uint8Array }
  | { readonly kind: "empty" }
  | { readonly kind: "configuration"; readonly configuration: Configuration };

/** Appends to the leader's own log and offers the entry to every follower. Returns its index. */
export function appendAsLeader(core: Core, draft: Draft): number {
  assert(core.role === "leader", "only a leader appends on its own account");
  const index = core.log.last + 1;
  const entry: Entry = { ...draft, index, term: core.term };
  core.log.append([entry]);
  core.activeAt = core.now;
  core.uncommittedBytes += entryBytes(entry);
  if (entry.kind === "configuration") {
    core.configurations.append(index, entry.configuration);
    trackMembers(core, index);
    releaseReads(core);
  }
  for (const [id, progress] of core.progress) sendAppends(core, id, progress);
  return index;
}

/**
 * Keeps one Progress per other member of the configuration in force. New ones begin at `next`, which
 * the leader is about to send: a member with nothing to be sent would never be probed.
 */
export function trackMembers(core: Core, next: number): void {
  const members = allMembers(core.configurations.current).filter((id) => id !== core.id);
  const old = core.progress;
  core.progress = new Map(
    members.map((id) => [id, old.get(id) ?? new ProgressOf(0, next, core.options, core.now)]),
  );
  if (core.transferee !== null && !isVoter(core.configurations.current, core.transferee)) {
    core.transferee = null;
    core.transferAt = null;
  }
}

/** Sends what the follower's window allows. */
export function sendAppends(core: Core, to: NodeId, progress: Progress): void {
  while (!progress.paused && progress.next <= core.log.last) {
    if (!sendAppend(core, to, progress)) return;
  }
}

/** Sends one append, empty if there is nothing or no room to send. False: the position is compacted. */
function sendAppend(core: Core, to: NodeId, progress: Progress): boolean {
  const { log } = core;
  const previousIndex = progress.next - 1;
  const previousTerm = log.term(previousIndex);
  if (previousTerm === null) {
    wantSnapshot(core, to, progress);
    return false;
  }
  const entries =
    progress.paused || progress.next > log.last
      ? []
      : log.entries(progress.next, log.last, core.options.appendBytesMax);
  const message = {
    kind: "append",
    term: core.term,
    previousIndex,
    previousTerm,
    entries,
    commit: log.commit,
    round: core.readRound,
  } as const;
  const last = entries.at(-1);
  if (last === undefined) {
    core.send(to, message);
  } else {
    core.sendFirst(to, message);
    if (progress.state === "replicate") {
      let bytes = 0;
      for (const entry of entries) bytes += entryBytes(entry);
      progress.inflights.add(last.index, bytes);
      progress.next = last.index + 1;
    }
  }
  if (progress.state === "probe") progress.probeSent = true;
  progress.commitSent = log.commit;
  return true;
}

/**
 * The follower needs entries that are gone. Sessions cost memory and pin rows, so one is opened only
 * for a follower that answered lately; a silent one is asked again by the next heartbeat.
 */
function wantSnapshot(core: Core, to: NodeId, progress: Progress): void {
  const heardLately = progress.heardAt !== null && core.now - progress.heardAt <= core.options.electionMs;
  if (!heardLately) {
    // Out of replication, or it would lack news that cannot be sent, and the leader wake for it for ever.
    if (progress.state === "replicate") progress.becomeProbe();
    progress.probeSent = true;
    return;
  }
  progress.becomeSnapshot();
  core.snapshotsWanted.add(to);
}

/** Tells followers that have nothing else coming that more is committed. */
export function sendCommitNews(core: Core): void {
  core.newsAt = null;
  for (const [id, progress] of core.progress) {
    if (lacksNews(core, progress)) sendAppend(core, id, progress);
  }
}

/** As `sendCommitNews`, but waits a moment for appends that would carry the news in passing. */
export function sendCommitNewsWhenDue(core: Core): void {
  if (![...core.progress.values()].some((progress) => lacksNews(core, progress))) {
    core.newsAt = null;
    return;
  }
  core.newsAt ??= core.now + core.options.commitNewsMs;
  if (core.now >= core.newsAt) sendCommitNews(core);
}

function lacksNews(core: Core, progress: Progress): boolean {
  return progress.state === "replicate" && progress.commitSent < core.log.commit;
}

export function heard(core: Core, progress: Progress, round: number): void {
  progress.heardAt = core.now;
  if (round <= progress.round) return;
  progress.round = round;
  releaseReads(core);
}

export function onAppendResponse(core: Core, from: NodeId, message: AppendResponse): void {
  const progress = core.progress.get(from);
  if (core.role !== "leader" || progress === undefined) return;
  heard(core, progress, message.round);
  const { rejection } = message;
  if (rejection !== null) {
    // Both sides skip whole terms: at most one probe per term that differs (5.3, fast backtracking).
    const mayMatch = core.log.findByTerm(rejection.hintIndex, rejection.hintTerm);
    if (progress.maybeStepBack(rejection.previousIndex, mayMatch + 1)) sendAppends(core, from, progress);
    return;
  }
  // 0 answers a leader whose term was over: it says nothing of the log.
  if (message.match > 0) acknowledged(core, from, progress, message.match);
}

export function onHeartbeatResponse(core: Core, from: NodeId, message: HeartbeatResponse): void {
  const progress = core.progress.get(from);
  if (core.role !== "leader" || progress === undefined) return;
  heard(core, progress, message.round);
  progress.probeSent = false;
  if (message.match > 0) acknowledged(core, from, progress, message.match);
  if (core.role !== "leader" || progress.match >= core.log.last) return;
  // A leader that woke without memory took it that all have everything: with nothing to send it would not ask.
  if (progress.state === "probe") progress.next = Math.max(Math.min(progress.next, core.log.last), 1);
  if (progress.state === "replicate" && progress.inflights.count > 0) {
    // An empty append after everything sent: if something was lost it is rejected, and probing resumes.
    sendAppend(core, from, progress);
  } else {
    sendAppends(core, from, progress);
  }
}

export function acknowledged(core: Core, from: NodeId, progress: Progress, match: number): void {
  assert(match <= core.log.last, `${from} acknowledged ${match}, beyond this leader's log`);
  progress.maybeAdvance(match);
  // Any position from which the log still reaches ends a snapshot, even one older than the offer.
  if (progress.state === "probe" || (progress.state === "snapshot" && progress.match + 1 >= core.log.first)) {
    progress.becomeReplicate();
  }
  maybeCommit(core);
  if (core.role !== "leader") return;
  sendAppends(core, from, progress);
  maybeHandOver(core, from, progress);
}

/** A call to `to` failed: what was in flight may be lost. */
export function onUnreachable(core: Core, to: NodeId): void {
  const progress = core.progress.get(to);
  if (progress?.state === "replicate") progress.becomeProbe();
}

/**
 * Commits what a quorum has, if its newest entry is of this term: older ones only ride along (5.4.2).
 * Never what this leader has not stored itself, be it on a quorum of others: it is about to be
 * (`mayStoreLater`), and nothing that is told of a commit shall be ahead of its teller's disk.
 */
export function maybeCommit(core: Core): void {
  if (core.role !== "leader") return;
  const { persisted } = core.log;
  const index = Math.min(reachedWith(core, persisted), persisted);
  if (index <= core.log.commit || core.log.term(index) !== core.term) return;
  const before = core.log.commit;
  core.log.maybeCommit(index);
  releaseUncommitted(core, before, index);
  onConfigurationCommitted(core);
  if (core.role === "leader") readsCommitted(core);
}

/**
 * Whether a leader's own copy of its newest commands can wait: as long as it would complete no quorum.
 * Others are sent them at once, and with the answer that makes its copy count they are stored, committed
 * and applied in one transaction instead of two. What is lost with a leader that crashes meanwhile was
 * on no quorum, and whoever crashes does not lead in that term again (effects.ts). Source: thesis 10.2.1,
 * where the leader's write may end after those of others.
 */
export function mayStoreLater(core: Core): boolean {
  const { log } = core;
  if (core.role !== "leader" || log.unstoredFrom > log.last || !log.isUnstoredCommands) return false;
  return reachedWith(core, log.last) < log.unstoredFrom;
}

/** The commit index once this leader has stored all of its log. */
export function committing(core: Core): number {
  const { log } = core;
  if (core.role !== "leader" || log.unstoredFrom > log.last) return log.commit;
  const index = reachedWith(core, log.last);
  return index > log.commit && log.term(index) === core.term ? index : log.commit;
}

/** What a quorum has if this leader has its log up to `own`. */
function reachedWith(core: Core, own: number): number {
  return quorumReached(core.configurations.current, (id) =>
    id === core.id ? own : (core.progress.get(id)?.match ?? 0),
  );
}

function releaseUncommitted(core: Core, before: number, commit: number): void {
  if (commit === core.log.last) {
    core.uncommittedBytes = 0;
    return;
  }
  let from = Math.max(before + 1, core.termStartIndex);
  while (from <= commit) {
    const entries = core.log.entries(from, commit, core.options.appendBytesMax);
    for (const entry of entries) core.uncommittedBytes -= entryBytes(entry);
    from += entries.length;
  }
  assert(core.uncommittedBytes >= 0, "more was committed than proposed");
}

/** Whoever leads when a joint configuration is committed leaves it; a leader outside the new one hands over. */
function onConfigurationCommitted(core: Core): void {
  const { index, configuration } = core.configurations.latest;
  if (index > core.log.commit) return;
  if (isJoint(configuration)) {
    // In force at once, so that a second commit cannot append it again.
    appendAsLeader(core, { kind: "configuration", configuration: leaveJoint(configuration) });
    maybeCommit(core);
  } else if (!isVoter(configuration, core.id)) {
    sendCommitNews(core);
    const successor = bestSuccessor(core);
    if (successor !== null) core.send(successor, { kind: "timeout-now", term: core.term });
    becomeFollower(core, core.term, null);
  }
}
