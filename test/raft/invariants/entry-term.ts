/** 14. A stored entry's term is covered by the stored term: the two become durable together (paper 5.1). */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class EntryTerm implements Invariant {
  readonly name = "entry-term";

  check({ nodes }: Observation): void {
    for (const { node, durableChange } of nodes) {
      const { term } = node.durable;
      for (const entry of durableChange.added) {
        if (entry.term > term) {
          violated(
            this.name,
            `${node.id} stored ${entry.term}/${entry.index} while its stored term is ${term}`,
          );
        }
      }
    }
  }
}
