/** 16. A linearizable read sees every write that was acknowledged before it was asked for (thesis 6.4). */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class ReadFreshness implements Invariant {
  readonly name = "read-freshness";

  check({ step }: Observation): void {
    for (const { node, index, applied, floor } of step.reads) {
      if (index < floor) violated(this.name, `${node} read at ${index}, after ${floor} was acknowledged`);
      if (applied < index)
        violated(this.name, `${node} answered a read at ${index} having applied ${applied}`);
    }
  }
}
