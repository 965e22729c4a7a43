/** Majorities, simple and joint. An empty half of a joint configuration never objects. */
import type { Configuration, NodeId } from "./types.ts";

export type VoteResult = "won" | "lost" | "pending";

/** Nodes needed for a majority of `count`: 1:1, 2:2, 3:2, 4:3, 5:3, 6:4, 7:4. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The highest number that a majority of `voters` has reached; Infinity for no voters. */
function majorityReached(voters: readonly NodeId[], reached: (id: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  // Inserted one by one, highest first: this runs with every answer, and there are few voters.
  const highest: number[] = [];
  for (const id of voters) {
    const value = reached(id);
    let place = highest.length;
    for (; place > 0 && (highest[place - 1] as number) < value; place -= 1) {
      highest[place] = highest[place - 1] as number;
    }
    highest[place] = value;
  }
  return highest[majority(voters.length) - 1] as number;
}

function majorityHas(voters: readonly NodeId[], has: (id: NodeId) => boolean): boolean {
  let count = 0;
  for (const id of voters) if (has(id)) count += 1;
  return voters.length === 0 || count >= majority(voters.length);
}

/** The highest index (or round) reached by a quorum: the lower of both halves. */
export function quorumReached(configuration: Configuration, reached: (id: NodeId) => number): number {
  return Math.min(
    majorityReached(configuration.voters, reached),
    majorityReached(configuration.votersOutgoing, reached),
  );
}

/** True when the nodes for which `has` holds form a quorum of each half. */
export function hasQuorum(configuration: Configuration, has: (id: NodeId) => boolean): boolean {
  return majorityHas(configuration.voters, has) && majorityHas(configuration.votersOutgoing, has);
}

function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  const needed = majority(voters.length);
  let granted = 0;
  let refused = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  if (granted >= needed) return "won";
  return refused > voters.length - needed ? "lost" : "pending";
}

/** Lost as soon as either half cannot be won any more; won when both are. */
export function voteResult(configuration: Configuration, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVote(configuration.voters, votes);
  const outgoing = majorityVote(configuration.votersOutgoing, votes);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "pending";
}
