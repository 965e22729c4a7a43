/**
 * 15. A log begins where an applied, committed point stands in for what came before: its term there
 * is the committed entry's, the log goes on right after it, and the memory agrees with the disk
 * about it once the disk has caught up (paper section 7).
 */
import type { History, Invariant, Observation } from "./observation.ts";
import type { LogView } from "./view.ts";
import { violated } from "./violation.ts";

export class SnapshotInstall implements Invariant {
  readonly name = "snapshot-install";

  check({ nodes, history }: Observation): void {
    for (const { node, durableChange, liveChange } of nodes) {
      if (durableChange.snapshot.index !== durableChange.snapshotBefore.index) {
        this.#checkPoint(`${node.id}'s disk`, node.durable.log, true, history);
      }
      if (node.live === null || liveChange === null) continue;
      if (liveChange.snapshot.index !== liveChange.snapshotBefore.index) {
        this.#checkPoint(node.id, node.live.log, false, history);
      }
    }
  }

  #checkPoint(what: string, log: LogView, durable: boolean, history: History): void {
    const { index, term } = log.snapshot;
    const committed = history.committed(index);
    // Memory may run ahead: then the disk's turn comes when the commit is durable.
    if (committed === null && durable) violated(this.name, `${what} begins after uncommitted ${index}`);
    if (committed !== null && committed.term !== term)
      violated(this.name, `${what} begins after ${term}/${index}, a wrong term`);
    if (log.last > index && log.entry(index + 1).index !== index + 1) {
      violated(this.name, `${what} does not go on after ${index}`);
    }
  }
}
