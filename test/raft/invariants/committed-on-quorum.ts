/**
 * 8. What a leader counts as committed is durable on a majority of each half of a configuration in
 * force: that of the index itself or a later one in the leader's log, for the newest counts from the
 * moment it is appended (paper section 6). The leader's own copy may still be on its way to the disk,
 * for then nothing that tells of the commit has left (see durable-before-sent).
 */
import type { Configuration, NodeId } from "../../../src/raft/types.ts";
import { type Invariant, leadsOrLed, type NodeObservation, type Observation } from "./observation.ts";
import type { DurableView, LiveView } from "./view.ts";
import { violated } from "./violation.ts";

export class CommittedOnQuorum implements Invariant {
  readonly name = "committed-on-quorum";

  check({ nodes, step, history }: Observation): void {
    for (const observation of nodes) {
      const { live } = observation.node;
      if (live === null || !leadsOrLed(observation)) continue;
      if (live.commit <= commitBefore(observation)) continue;
      history.leaderCommitMax = Math.max(history.leaderCommitMax, live.commit);
      this.#checkHeld(observation.node.id, live, (id) => step.node(id)?.durable ?? null);
    }
  }

  #checkHeld(leader: NodeId, live: LiveView, durable: (id: NodeId) => DurableView | null): void {
    const index = live.commit;
    if (index <= live.log.snapshot.index) return;
    const { term } = live.log.entry(index);
    const holds = (id: NodeId): boolean => id === leader || holdsEntry(durable(id), index, term);
    let problem = "";
    for (let from = live.log.last; from >= index; ) {
      const at = live.configurationAt(from);
      const missing = missingQuorum(at.configuration, holds);
      if (missing === null) return;
      problem = missing;
      from = at.index - 1;
    }
    violated(this.name, `${leader} committed ${term}/${index}, held by ${problem}`);
  }
}

/** Says which half of the configuration lacks a majority, or null when none does. */
function missingQuorum(configuration: Configuration, holds: (id: NodeId) => boolean): string | null {
  for (const half of [configuration.voters, configuration.votersOutgoing]) {
    const holders = half.filter(holds);
    if (half.length > 0 && holders.length * 2 <= half.length) return `${holders} of ${half}`;
  }
  return null;
}

function commitBefore({ liveBefore, before }: NodeObservation): number {
  return liveBefore?.commit ?? before?.durable.commit ?? 0;
}

function holdsEntry(durable: DurableView | null, index: number, term: number): boolean {
  if (durable === null) return false;
  const { log } = durable;
  if (index <= log.snapshot.index) return true;
  return index <= log.last && log.entry(index).term === term;
}
