/** 3. A leader never deletes or rewrites entries of its own log (paper 5.3). */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class LeaderAppendOnly implements Invariant {
  readonly name = "leader-append-only";

  check({ nodes }: Observation): void {
    for (const { node, liveBefore, liveChange } of nodes) {
      if (node.live === null || liveBefore?.role !== "leader" || liveBefore.term !== node.live.term) continue;
      const gone = liveChange?.removed[0];
      if (gone !== undefined) violated(this.name, `${node.id} leads and deleted its entry ${gone.index}`);
    }
  }
}
