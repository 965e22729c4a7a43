import type { Raft } from "../raft/raft.ts";
import type { Identity } from "./identity.ts";
import type { MachineHost } from "./machine-host.ts";
import type { ReplicaHeader } from "./replica-api.ts";
import type { Roster } from "./roster.ts";
import type { Standing } from "./standing.ts";

/** Where a replica stands at this moment. */
export function replicaHeader(
  { clusterId, memberId, member }: Identity,
  machine: MachineHost,
  { core }: Raft,
  roster: Roster,
  { successors }: Standing,
): ReplicaHeader {
  const { revision, sequence } = machine.state();
  const { term, leader } = core;
  return {
    clusterId,
    memberId,
    member,
    revision,
    term,
    leader: leader === null ? null : roster.nameOf(leader),
    sequence,
    membership: successors?.version ?? roster.membership.version,
    ...(successors === null ? {} : { successors: successors.members }),
  };
}
