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
  if (core.role !== "leader") return;
  // Its own vote was durable, and others may have elected it all the same: the term is led by now.
  const leader = history.leaders.get(core.term) ?? core.id;
  if (leader !== core.id) violated("election-safety", `${core.id} leads term ${core.term}, as ${leader} did`);
  // A term that is only in its memory dies with it, and may be led again.
  if (durable(core.id).term >= core.term) history.leaders.set(core.term, leader);
  const index = core.log.commit;
  if (index <= history.leaderCommitMax) return;
  const { voters, votersOutgoing } = core.configurations.current;
  // Its own log may be out of its reach by now: a quorum must agree on some entry there.
  const held = [...voters, ...votersOutgoing].some((model) => {
    const term = termAt(durable(model), index);
    return (
      term !== null &&
      hasQuorum(core.configurations.current, (id) => {
        const other = durable(id);
        return index <= other.log.snapshot.index || termAt(other, index) === term;
      })
    );
  });
  if (!held) violated("superseded-commit", `${core.id} committed ${index} without a quorum`);
  history.leaderCommitMax = index;
}

/** Null where the log has no entry. */
function termAt({ log }: DurableView, index: number): number | null {
  if (index === log.snapshot.index) return log.snapshot.term;
  return index > log.snapshot.index && index <= log.last ? log.entry(index).term : null;
}
