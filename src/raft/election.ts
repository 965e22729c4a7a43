/** Elections (paper 5.2) with pre-vote (thesis 9.6) and stickiness (paper section 6, thesis 4.2.3). */
import type { Core } from "./core.ts";
import { becomeLeader } from "./leader.ts";
import type { PreVoteRequest, VoteRequest, VoteResponse } from "./message.ts";
import { voteResult } from "./quorum.ts";
import { becomeCandidate, becomeFollower, becomePreCandidate } from "./roles.ts";
import type { NodeId } from "./types.ts";

/**
 * For so many election times at most a node refuses ballots because it has asked its leader for a sign: a
 * voter campaigns itself by then, but a learner has no timer, and whoever answers may lead no more.
 */
const PROBE_ELECTIONS = 2;

/**
 * True while this node has reason to believe in its leader: it then refuses ballots, so that a node
 * that merely lost touch cannot depose a leader that a quorum hears (Cloudflare's outage of 2020).
 */
export function isSticky(core: Core): boolean {
  if (core.role === "leader") return true;
  if (core.isProbing && core.now - core.probedAt < PROBE_ELECTIONS * core.options.electionMs) return true;
  if (core.leader === null || core.leaderHeardAt === null) return false;
  return core.now - core.leaderHeardAt < core.options.electionMs;
}

/** The election timer fired: ask first. */
export function startPreVote(core: Core): void {
  if (!core.promotable) {
    core.armElection();
    return;
  }
  becomePreCandidate(core);
  core.votes.set(core.id, true);
  if (voteResult(core.configurations.current, core.votes) === "won") {
    startElection(core, false);
    return;
  }
  askVoters(core, {
    kind: "pre-vote",
    term: core.term + 1,
    lastIndex: core.log.last,
    lastTerm: core.log.lastTerm,
  });
}

/** Enters the next term and asks for votes. `transfer`: the leader ordered it, ballots override stickiness. */
export function startElection(core: Core, transfer: boolean): void {
  becomeCandidate(core);
  core.campaignIsTransfer = transfer;
  core.votes.set(core.id, true);
  if (voteResult(core.configurations.current, core.votes) === "won") {
    becomeLeader(core);
    return;
  }
  askVoters(core, {
    kind: "vote",
    term: core.term,
    lastIndex: core.log.last,
    lastTerm: core.log.lastTerm,
    transfer,
  });
}

function askVoters(core: Core, message: PreVoteRequest | VoteRequest): void {
  const { voters, votersOutgoing } = core.configurations.current;
  for (const id of new Set([...voters, ...votersOutgoing])) {
    if (id !== core.id) core.send(id, message);
  }
}

/** A pre-vote for a term above this node's own. Granting it promises nothing and changes nothing. */
export function onPreVote(core: Core, from: NodeId, message: PreVoteRequest): void {
  const granted =
    message.term > core.term && !isSticky(core) && core.log.isUpToDate(message.lastIndex, message.lastTerm);
  const term = granted ? message.term : core.term;
  core.send(from, { kind: "vote-response", term, preVote: true, granted });
}

/**
 * A ballot for this node's current term (a higher one has been adopted already). Learners answer
 * too: the asker may know of a promotion that they have not seen (etcd #10998).
 */
export function onVote(core: Core, from: NodeId, message: VoteRequest): void {
  const free = core.vote === from || (core.vote === null && core.leader === null);
  const granted = free && core.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (granted) {
    core.voteFor(from);
    core.armElection();
  }
  core.send(from, { kind: "vote-response", term: core.term, preVote: false, granted });
}

/** Refuses a ballot at this node's own term, which frees an asker that is behind (etcd #8243, #8501). */
export function refuseBallot(core: Core, from: NodeId, preVote: boolean): void {
  core.send(from, { kind: "vote-response", term: core.term, preVote, granted: false });
}

export function onVoteResponse(core: Core, from: NodeId, message: VoteResponse): void {
  if (core.role !== (message.preVote ? "pre-candidate" : "candidate")) return;
  const askedTerm = message.preVote ? core.term + 1 : core.term;
  if (message.granted && message.term !== askedTerm) return;
  if (!core.votes.has(from)) core.votes.set(from, message.granted);
  const result = voteResult(core.configurations.current, core.votes);
  if (result === "pending") return;
  if (result === "lost") becomeFollower(core, core.term, null);
  else if (message.preVote) startElection(core, false);
  else becomeLeader(core);
}

/** The leader hands over. Ignored by nodes that could not win. */
export function onTimeoutNow(core: Core): void {
  if (core.promotable && core.role !== "leader") startElection(core, true);
}
