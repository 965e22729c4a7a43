/** 1. At most one leader per term, over all history (paper 5.2). */
import { becameLeader, type Invariant, type Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class ElectionSafety implements Invariant {
  readonly name = "election-safety";

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      if (!becameLeader(observation)) continue;
      const { id, live } = observation.node;
      const term = live?.term ?? 0;
      const known = history.leaders.get(term);
      // Not even the same node twice: a restarted one must not resume what it may have sent and lost.
      if (known !== undefined) violated(this.name, `${id} leads term ${term}, which ${known} has led`);
      history.leaders.set(term, id);
    }
  }
}
