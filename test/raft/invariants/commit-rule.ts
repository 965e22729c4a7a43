/**
 * 12. A leader advances its commit index only to an entry of its own term (paper 5.4.2); everybody
 * else only follows what a leader has committed.
 */
import { type Invariant, leadsOrLed, type Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class CommitRule implements Invariant {
  readonly name = "commit-rule";

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      const { node, liveBefore } = observation;
      const { live } = node;
      if (live === null || live.commit <= (liveBefore?.commit ?? node.durable.commit)) continue;
      if (leadsOrLed(observation)) {
        if (live.commit > live.log.snapshot.index && live.log.entry(live.commit).term !== live.term) {
          violated(this.name, `${node.id} leads term ${live.term} and committed an older entry by counting`);
        }
      } else if (live.commit > Math.max(history.leaderCommitMax, history.committedMax)) {
        violated(this.name, `${node.id} follows and committed ${live.commit}, ahead of every leader`);
      }
    }
  }
}
