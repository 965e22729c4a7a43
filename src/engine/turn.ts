/**
 * One turn: inputs are fed to the core, then everything that follows from them becomes durable in
 * one transaction, if anything has to, then messages and answers leave. The order is the contract of raft/effects.ts.
 */
import { LIMITS } from "../base/limits.ts";
import type { Effects, ReadDecision, SnapshotToPull } from "../raft/effects.ts";
import type { Outgoing } from "../raft/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeId } from "../raft/types.ts";
import { encodeBatch } from "../wire/batch.ts";
import { trimTarget } from "./log-trimmer.ts";
import type { MachineHost } from "./machine-host.ts";
import type { Peers } from "./peers.ts";
import type { ReplicaStorage } from "./ports.ts";
import type { Proposals } from "./proposals.ts";

export interface TurnParts {
  readonly raft: Raft;
  readonly storage: ReplicaStorage;
  readonly machine: MachineHost;
  readonly proposals: Proposals;
  readonly peers: Peers;
  /** Applied log entries between two cuts of the log. */
  readonly snapshotEvery: number;
  /** Entries that open snapshot sessions still need; null for none. */
  readonly pinnedIndex: () => number | null;
  /** Entries may have been applied, and nothing that compaction took out of history was deleted since. */
  readonly applied: () => void;
  /** Before batches are proposed: members may have to change. */
  readonly changeMembers: (now: number) => void;
  readonly send: (outgoing: readonly Outgoing[]) => void;
  readonly readDecided: (decision: ReadDecision) => void;
  readonly snapshotWanted: (to: NodeId) => void;
  readonly snapshotOffered: (offer: SnapshotToPull) => void;
}

/**
 * Runs one turn's consequences at `now` and returns the messages that may leave after it.
 * `inside` is work that belongs into the transaction; null for none.
 */
export function runTurn(parts: TurnParts, now: number, inside: (() => void) | null): readonly Outgoing[] {
  const { raft, storage, peers } = parts;
  proposeBatches(parts, now);
  let effects = raft.takeEffects();
  parts.send(effects.first);
  const after: Outgoing[] = [...effects.after];
  const met = peers.takeMet();
  while (inside === null && met.length === 0 && !needsTransaction(parts, effects)) {
    if (effects.reads.length === 0) return after;
    for (const decision of effects.reads) parts.readDecided(decision);
    // Whoever waited for this answer asks the next question.
    effects = raft.takeEffects();
    after.push(...effects.first, ...effects.after);
  }
  storage.turn(() => {
    for (const { id, incarnation } of met) storage.recordPeer(id, incarnation);
    persist(parts, now, effects);
    inside?.();
    applyCommitted(parts);
    for (;;) {
      // What one consequence leads to: a lone voter's own write commits, a commit lets the next batch go.
      proposeBatches(parts, now);
      effects = raft.takeEffects();
      after.push(...effects.first, ...effects.after);
      if (isIdle(parts, effects)) break;
      persist(parts, now, effects);
      applyCommitted(parts);
      if (!hasBacklog(parts)) continue;
      // A lone voter commits what it writes: some of that is applied by now, so its commit must be stored too.
      effects = raft.takeEffects();
      after.push(...effects.first, ...effects.after);
      persist(parts, now, effects);
      break;
    }
    trimLog(parts);
    parts.applied();
    if (parts.machine.hasHousekeeping()) parts.machine.housekeep();
    storage.flush(now);
  });
  return after;
}

/** True when committed entries wait for another turn to apply them. */
export function hasBacklog({ raft }: Pick<TurnParts, "raft">): boolean {
  return raft.core.applied < raft.core.log.commit;
}

function isIdle(parts: TurnParts, effects: Effects): boolean {
  return effects.reads.length === 0 && writesNothing(parts, effects);
}

/** Decided reads alone need none: it costs a commit even if nothing is written in it. */
function needsTransaction(parts: TurnParts, effects: Effects): boolean {
  const { storage, machine } = parts;
  return !writesNothing(parts, effects) || storage.isDirty || machine.hasHousekeeping();
}

function writesNothing(parts: TurnParts, effects: Effects): boolean {
  return (
    effects.append.length === 0 &&
    effects.truncateFrom === null &&
    effects.hardState === null &&
    effects.slept === null &&
    effects.commit === null &&
    effects.snapshotsWanted.length === 0 &&
    effects.snapshotOffered === null &&
    !hasBacklog(parts)
  );
}

/** Turns waiting commands into log entries, as far as the leader may. */
function proposeBatches({ raft, proposals, changeMembers }: TurnParts, now: number): void {
  changeMembers(now);
  while (raft.isLeader && proposals.hasBatch(now, raft.committing, raft.core.term)) {
    const commands = proposals.nextBatch();
    const result = raft.propose(now, encodeBatch(commands));
    if (result.kind !== "accepted") return;
    proposals.proposed(commands.length, result.index, result.term);
  }
}

function persist(parts: TurnParts, now: number, effects: Effects): void {
  const { raft, storage } = parts;
  if (effects.truncateFrom !== null) storage.truncateFrom(effects.truncateFrom);
  if (effects.hardState !== null) storage.setHardState(effects.hardState);
  if (effects.commit !== null) storage.setCommit(effects.commit);
  if (effects.slept !== null) storage.setSleep(effects.slept.sleep);
  const last = effects.append.at(-1);
  if (last !== undefined) {
    storage.append(effects.append);
    // Counted at once: everything that follows from it leaves behind the same durable write.
    raft.persisted(now, last.index, last.term);
  }
  for (const decision of effects.reads) parts.readDecided(decision);
  for (const to of effects.snapshotsWanted) parts.snapshotWanted(to);
  if (effects.snapshotOffered !== null) parts.snapshotOffered(effects.snapshotOffered);
}

/** Applies committed entries, bounded by turn; data and applied index change together. */
function applyCommitted({ raft, storage, machine, proposals }: TurnParts): void {
  const { core } = raft;
  const high = Math.min(core.log.commit, core.applied + LIMITS.applyEntriesPerTurnMax);
  if (core.applied >= high) return;
  let applied = core.applied;
  for (const entry of core.log.entries(applied + 1, high, LIMITS.applyBytesPerTurnMax)) {
    const outcomes = entry.kind === "command" ? machine.apply(entry.index, entry.data).outcomes : [];
    proposals.applied(entry.index, entry.term, outcomes);
    applied = entry.index;
  }
  raft.appliedTo(applied);
  storage.setApplied(applied, machine.state());
}

function trimLog({ raft, storage, snapshotEvery, pinnedIndex }: TurnParts): void {
  const { core } = raft;
  const target = trimTarget(
    {
      applied: core.applied,
      snapshotIndex: core.log.snapshot.index,
      logBytes: storage.logBytes,
      pinnedIndex: pinnedIndex(),
    },
    snapshotEvery,
  );
  if (target === null) return;
  raft.compactLog(target);
  storage.compact(core.log.snapshot);
}
