/** A leader on its way into sleep and out of it (see quiescence.ts). */
import { assert } from "../base/assert.ts";
import { isJoint, isVoter } from "./configuration.ts";
import type { Core } from "./core.ts";
import { broadcastHeartbeat, sendHeartbeat } from "./heartbeat.ts";
import type { Progress } from "./progress.ts";
import type { NodeId } from "./types.ts";

/** A member that was away when the group fell asleep is looked for again after this, then after twice as long. */
const REPAIR_MS_MIN = 60_000;
const REPAIR_MS_MAX = 3_600_000;

/** A member silent for so many election times does not keep the others awake. */
const AWAY_ELECTIONS = 2;

export function isAway(core: Core, progress: Progress): boolean {
  return core.now - (progress.heardAt ?? progress.trackedAt) > AWAY_ELECTIONS * core.options.electionMs;
}

/** True when there has been nothing to do for long enough, and everybody who is there has everything. */
export function maySleep(core: Core): boolean {
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

export function fallAsleep(core: Core, accepted: ReadonlySet<NodeId>): void {
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
