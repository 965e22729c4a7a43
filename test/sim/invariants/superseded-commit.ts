/**
 * 8, for an instance that was superseded and does not know: what it still counts as committed, and
 * tells others, is durable on a quorum all the same.
 */

import type { Core } from "../../../src/raft/core.ts";
import { hasQuorum } from "../../../src/raft/quorum.ts";
import type { History } from "../../raft/invariants/observation.ts";
import type { DurableView } from "../../raft/invariants/view.ts";
import { violated } from "../../raft/invariants/violation.ts";

export function checkSupersededCommit(
  core: Core,
  durable: (id: string) => DurableView,
  history: History,
): void {
  const index = core.log.commit;
  const term = core.log.term(index);
  if (core.role !== "leader" || index <= history.leaderCommitMax || term === null) return;
  const held = hasQuorum(core.configurations.at(index).configuration, (id) => {
    const { log } = durable(id);
    if (index <= log.snapshot.index) return true;
    return index <= log.last && log.entry(index).term === term;
  });
  if (!held) violated("superseded-commit", `${core.id} committed ${term}/${index} without a quorum`);
  history.leaderCommitMax = index;
}
