/** The group as one replica sees it, for operators. */
import { isVoter } from "../raft/configuration.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeId } from "../raft/types.ts";
import type { MemberPlace, PeerStatus, ReplicaHeader, StatusCounters, StatusReply } from "./replica-api.ts";

export interface StatusInput {
  readonly raft: Raft;
  readonly header: ReplicaHeader;
  readonly nameOf: (id: NodeId) => string;
  readonly members: readonly MemberPlace[];
  readonly databaseBytes: number;
  readonly stopped: string | null;
  readonly counters: StatusCounters;
}

export function statusReply(input: StatusInput): StatusReply {
  const { raft, header, nameOf, members, databaseBytes, stopped, counters } = input;
  const { core } = raft;
  const configuration = core.configurations.current;
  const peers: PeerStatus[] = [...core.progress].map(([id, progress]) => ({
    member: nameOf(id),
    match: progress.match,
    state: progress.state,
    heardMsAgo: progress.heardAt === null ? null : Math.max(0, core.now - progress.heardAt),
  }));
  const learner = core.role === "follower" && !isVoter(configuration, core.id);
  return {
    kind: "status",
    header,
    role: stopped !== null ? "stopped" : learner ? "learner" : core.role,
    term: core.term,
    commit: core.log.commit,
    applied: core.applied,
    firstIndex: core.log.first,
    lastIndex: core.log.last,
    databaseBytes,
    members,
    voters: configuration.voters.map(nameOf),
    learners: configuration.learners.map(nameOf),
    peers,
    isAsleep: core.isAsleep,
    stopped,
    counters,
  };
}
