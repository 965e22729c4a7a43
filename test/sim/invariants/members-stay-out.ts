/**
 * Whoever was in a configuration and is not any more stays out: ids are given once, and what is on record
 * of a member that was removed never changes. One that comes back was put there by a leader that read
 * records older than the configuration it replaced.
 */
import { allMembers } from "../../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../../src/raft/types.ts";
import { violated } from "../../raft/invariants/violation.ts";

export class MembersStayOut {
  #present: readonly NodeId[] = [];
  readonly #former = new Set<NodeId>();

  /** To be told every committed entry, in order. */
  committed(entry: Entry): void {
    if (entry.kind !== "configuration") return;
    const members = allMembers(entry.configuration);
    for (const id of this.#present) if (!members.includes(id)) this.#former.add(id);
    for (const id of members) {
      if (this.#former.has(id)) violated("members-stay-out", `entry ${entry.index} brings ${id} back`);
    }
    this.#present = members;
  }
}
