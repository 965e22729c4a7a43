/** Configurations as values: who is in them, how one becomes the next, which are refused. */
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { Configuration, NodeId } from "./types.ts";

/** The membership wanted in the end; the core finds the way there (joint when voters change). */
export interface MembershipTarget {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export type ConfigurationProblem =
  | "no-voters"
  | "too-many-members"
  | "duplicate-member"
  | "unchanged"
  | "already-joint";

export function simpleConfiguration(
  voters: readonly NodeId[],
  learners: readonly NodeId[] = [],
): Configuration {
  return { voters: [...voters], votersOutgoing: [], learners: [...learners], learnersNext: [] };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.votersOutgoing.includes(id);
}

/** Every node that is replicated to, each once, voters first. */
export function allMembers(configuration: Configuration): NodeId[] {
  return [
    ...new Set([
      ...configuration.voters,
      ...configuration.votersOutgoing,
      ...configuration.learners,
      ...configuration.learnersNext,
    ]),
  ];
}

function sameMembers(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** Why `target` cannot follow `current`, or null when it can. */
export function checkTarget(current: Configuration, target: MembershipTarget): ConfigurationProblem | null {
  const all = [...target.voters, ...target.learners];
  if (isJoint(current)) return "already-joint";
  if (target.voters.length === 0) return "no-voters";
  if (all.length > LIMITS.membersMax) return "too-many-members";
  if (new Set(all).size !== all.length) return "duplicate-member";
  if (sameMembers(current.voters, target.voters) && sameMembers(current.learners, target.learners)) {
    return "unchanged";
  }
  return null;
}

/**
 * The configuration to append on the way to `target`: joint for every change of voters (replacing
 * one of three step by step would pass through a less tolerant group), direct for learners alone.
 */
export function nextConfiguration(current: Configuration, target: MembershipTarget): Configuration {
  assert(checkTarget(current, target) === null, "the target must have been checked");
  if (sameMembers(current.voters, target.voters)) return simpleConfiguration(current.voters, target.learners);
  return {
    voters: [...target.voters],
    votersOutgoing: [...current.voters],
    learners: target.learners.filter((id) => !current.voters.includes(id)),
    learnersNext: target.learners.filter((id) => current.voters.includes(id)),
  };
}

/** What a joint configuration becomes when it is left. */
export function leaveJoint(configuration: Configuration): Configuration {
  assert(isJoint(configuration), "only a joint configuration can be left");
  return simpleConfiguration(configuration.voters, [
    ...configuration.learners,
    ...configuration.learnersNext,
  ]);
}
