/**
 * 17. Who sleeps has no timer and nothing pending: all of its log is committed. A leader sleeps only while a
 * quorum holds all of its log, and all of it is applied.
 */
import { hasQuorum } from "../../../src/raft/quorum.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { LiveView } from "./view.ts";
import { violated } from "./violation.ts";

export class Quiescence implements Invariant {
  readonly name = "quiescence";

  check({ nodes, step }: Observation): void {
    for (const { node } of nodes) {
      const { live, id } = node;
      if (live === null || !live.isAsleep) continue;
      if (live.isTimed) violated(this.name, `${id} sleeps with a timer`);
      if (live.commit !== live.log.last) violated(this.name, `${id} sleeps over uncommitted entries`);
      if (live.role !== "leader") continue;
      if (live.applied !== live.commit) violated(this.name, `${id} sleeps before it applied everything`);
      const holds = (other: string) => {
        const log = step.node(other)?.durable.log;
        return log !== undefined && log.last >= live.log.last && lastTerm(live) === termAt(log, live);
      };
      if (!hasQuorum(live.configuration, holds)) violated(this.name, `${id} sleeps without a quorum`);
    }
  }
}

function lastTerm({ log }: LiveView): number {
  return log.last === log.snapshot.index ? log.snapshot.term : log.entry(log.last).term;
}

/** The term at the leader's last index; a log that was cut behind it has committed it. */
function termAt(log: LiveView["log"], leader: LiveView): number {
  const { last } = leader.log;
  if (last < log.snapshot.index) return lastTerm(leader);
  return last === log.snapshot.index ? log.snapshot.term : log.entry(last).term;
}
