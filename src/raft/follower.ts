/** Following: what a node does with its leader's appends, heartbeats and snapshots. */
import { assert, defined } from "../base/assert.ts";
import type { Core } from "./core.ts";
import type { AppendRejection, AppendRequest, HeartbeatRequest, SnapshotOffer } from "./message.ts";
import { becomeFollower } from "./roles.ts";
import type { ConfigurationAt, Entry, NodeId, SnapshotPoint } from "./types.ts";

/** A message of the current term's leader: whoever campaigned in this term gives up (5.2). */
export function followLeader(core: Core, from: NodeId): void {
  assert(core.role !== "leader", `two leaders in term ${core.term}: ${core.id} and ${from}`);
  assert(core.leader === null || core.leader === from, `two leaders in term ${core.term}`);
  if (core.role !== "follower") becomeFollower(core, core.term, from);
  core.leader = from;
  core.leaderHeardAt = core.now;
  core.isProbing = false;
  core.armElection();
}

export function onAppend(core: Core, from: NodeId, message: AppendRequest): void {
  followLeader(core, from);
  const { log } = core;
  const lastSent = message.previousIndex + message.entries.length;
  if (lastSent <= log.commit) {
    // Late or repeated: the committed prefix is the leader's in any case.
    acknowledge(core, from, message.round, log.commit);
    return;
  }
  if (message.previousIndex >= log.commit && !log.matches(message.previousIndex, message.previousTerm)) {
    reject(core, from, message);
    return;
  }
  storeEntries(core, message.entries);
  log.maybeCommit(Math.min(message.commit, lastSent));
  acknowledge(core, from, message.round, lastSent);
}

/** Appends what is new. Deletes only from the first real conflict on: late appends must not shorten the log. */
function storeEntries(core: Core, entries: readonly Entry[]): void {
  const { log, configurations } = core;
  const firstNew = entries.findIndex(
    (entry) => entry.index > log.commit && !log.matches(entry.index, entry.term),
  );
  if (firstNew === -1) return;
  const fresh = entries.slice(firstNew);
  const from = defined(fresh[0], "a new entry was found").index;
  if (from <= log.last) {
    log.truncateFrom(from);
    configurations.truncateFrom(from);
  }
  log.append(fresh);
  for (const entry of fresh) {
    if (entry.kind === "configuration") configurations.append(entry.index, entry.configuration);
  }
  core.armElection();
}

function acknowledge(core: Core, to: NodeId, round: number, match: number): void {
  core.send(to, { kind: "append-response", term: core.term, round, match, rejection: null });
}

function reject(core: Core, to: NodeId, message: AppendRequest): void {
  const { log } = core;
  const hintIndex = log.findByTerm(message.previousIndex, message.previousTerm);
  const hintTerm = defined(log.term(hintIndex), "the hint is inside the log");
  const rejection: AppendRejection = { previousIndex: message.previousIndex, hintIndex, hintTerm };
  core.send(to, { kind: "append-response", term: core.term, round: message.round, match: 0, rejection });
}

export function onHeartbeat(core: Core, from: NodeId, message: HeartbeatRequest): void {
  followLeader(core, from);
  const { log } = core;
  const matches = message.lastIndex <= log.commit || log.matches(message.lastIndex, message.lastTerm);
  if (matches) log.maybeCommit(Math.min(message.commit, message.lastIndex));
  core.send(from, {
    kind: "heartbeat-response",
    term: core.term,
    round: message.round,
    match: matches ? message.lastIndex : 0,
  });
}

export function onSnapshotOffer(core: Core, from: NodeId, message: SnapshotOffer): void {
  followLeader(core, from);
  const { log } = core;
  if (message.index <= log.commit) {
    acknowledge(core, from, message.round, log.commit);
  } else if (log.matches(message.index, message.snapshotTerm)) {
    // The log has it all: only the news that it is committed was missing.
    log.maybeCommit(message.index);
    acknowledge(core, from, message.round, message.index);
  } else {
    core.snapshotOffered = {
      from,
      session: message.session,
      index: message.index,
      term: message.snapshotTerm,
      configuration: message.configuration,
      configurationIndex: message.configurationIndex,
    };
  }
}

/** A message of a leader whose term is over: the answer's term makes it step down. */
export function answerStaleLeader(core: Core, to: NodeId, round: number): void {
  acknowledge(core, to, round, 0);
}

/** The state machine's content is now that at `point`. False when the log went past it meanwhile. */
export function installSnapshot(core: Core, point: SnapshotPoint, configuration: ConfigurationAt): boolean {
  if (point.index <= core.log.commit) return false;
  assert(core.role !== "leader", "a leader has every committed entry and installs nothing");
  const keptSuffix = core.log.install(point);
  core.configurations.reset(configuration, keptSuffix ? point.index : Number.POSITIVE_INFINITY);
  core.applied = point.index;
  core.commitReported = point.index;
  core.armElection();
  if (core.leader !== null) acknowledge(core, core.leader, 0, point.index);
  return true;
}
