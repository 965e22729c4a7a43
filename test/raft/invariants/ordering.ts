/**
 * 10. Compacted <= applied <= committed <= last, in memory and on disk; commit and applied never go
 * back, across restarts too; the disk is never ahead of the memory.
 */
import type { NodeId } from "../../../src/raft/types.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { LogView } from "./view.ts";
import { violated } from "./violation.ts";

interface Position {
  readonly log: LogView;
  readonly commit: number;
  readonly applied: number;
}

interface Marks {
  readonly commit: number;
  readonly applied: number;
}

export class Ordering implements Invariant {
  readonly name = "ordering";

  check({ nodes }: Observation): void {
    for (const { node, before, liveBefore } of nodes) {
      this.#ordered(node.id, " on disk", node.durable);
      if (before !== null) this.#forward(node.id, " on disk", before.durable, node.durable);
      if (node.live === null) continue;
      this.#ordered(node.id, "", node.live);
      if (liveBefore !== null) this.#forward(node.id, "", liveBefore, node.live);
      this.#forward(node.id, " compared with its disk", node.durable, node.live);
    }
  }

  #ordered(id: NodeId, where: string, { log, commit, applied }: Position): void {
    const { snapshot, last } = log;
    if (snapshot.index > applied || applied > commit || commit > last) {
      const marks = [snapshot.index, applied, commit, last];
      violated(this.name, `${id}${where}: snapshot, applied, commit, last are ${marks.join(", ")}`);
    }
  }

  #forward(id: NodeId, where: string, before: Marks, now: Marks): void {
    if (now.commit < before.commit)
      violated(this.name, `${id}${where}: commit ${before.commit} fell to ${now.commit}`);
    if (now.applied < before.applied) {
      violated(this.name, `${id}${where}: applied ${before.applied} fell to ${now.applied}`);
    }
  }
}
