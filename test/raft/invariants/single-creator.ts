/** 5. An entry is made by the one leader of its term, once; nothing comes from nowhere (paper 5.2, 5.3). */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class SingleCreator implements Invariant {
  readonly name = "single-creator";
  readonly #made = new Set<string>();

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      // The disk may show what memory has compacted before it was seen.
      const added = [...(observation.liveChange?.added ?? []), ...observation.durableChange.added];
      for (const entry of added) {
        const key = `${entry.index}/${entry.term}`;
        if (this.#made.has(key)) continue;
        if (observation.before === null) {
          // The log a test starts a node with.
          this.#made.add(key);
          continue;
        }
        const { id } = observation.node;
        const leader = history.leaders.get(entry.term) ?? "nobody";
        if (leader !== id) violated(this.name, `${id} has ${key} as the first, in a term led by ${leader}`);
        this.#made.add(key);
      }
    }
  }
}
