/** Where a member's object is: all that is needed to call it. Plain data. */
import type { NodeId } from "../raft/types.ts";
import type { ReplicaTarget } from "./replica-api.ts";

export interface MemberPlace {
  readonly id: NodeId;
  readonly name: string;
  /** One of the first members: its object's name has no id in it. */
  readonly isFounder: boolean;
  readonly hint: string;
  readonly binding: string;
  /** A voter that has started: clients are not sent to others, which may be far behind. */
  readonly serves: boolean;
}

/** What a call to the member is addressed to. */
export function targetOf(cluster: string, { id, name, isFounder }: MemberPlace): ReplicaTarget {
  return isFounder ? { cluster, member: name } : { cluster, member: name, id };
}
