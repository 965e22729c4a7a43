/**
 * 7. A new leader has every entry that was committed in an earlier term (paper 5.4.3). One elected by
 * votes that were long under way may lack what a leader of a later term has committed meanwhile.
 */
import { entryDigest } from "./digest.ts";
import { becameLeader, type Invariant, type Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class LeaderCompleteness implements Invariant {
  readonly name = "leader-completeness";

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      const { id, live } = observation.node;
      if (live === null || !becameLeader(observation)) continue;
      for (let index = live.log.snapshot.index + 1; index <= history.committedMax; index += 1) {
        if (history.committedBy(index) >= live.term) continue;
        const committed = history.committed(index);
        const own = index <= live.log.last ? live.log.entry(index) : null;
        if (own === null || committed === null || entryDigest(own) !== entryDigest(committed)) {
          violated(this.name, `${id} leads term ${live.term} without committed entry ${index}`);
        }
      }
    }
  }
}
