/** Who a replica is. Ids are derived from names, so that all first members agree before they meet. */
import { hash64, hexId } from "../base/hash64.ts";
import type { NodeId } from "../raft/types.ts";

/** The id of a first member; etcd derives it the same way from cluster and address. */
export function initialMemberId(cluster: string, member: string): NodeId {
  return hexId(hash64(`member\n${cluster}\n${member}`));
}

/**
 * The id of a cluster founded by these members. A replica that was started with another list gets
 * another id, and is refused by the group instead of joining it with a wrong idea of the quorum.
 */
export function initialClusterId(cluster: string, members: readonly string[]): string {
  return hexId(hash64(`cluster\n${cluster}\n${[...members].sort().join(",")}`));
}

/** What a replica is for life; stored when it is first called. */
export interface Identity {
  readonly cluster: string;
  readonly clusterId: string;
  readonly member: string;
  readonly memberId: NodeId;
  /**
   * Drawn once, when the database is made. A replica whose database was wiped draws another one and
   * is thereby known to have forgotten its votes: nobody listens to it under this id any more.
   */
  readonly incarnation: string;
}
