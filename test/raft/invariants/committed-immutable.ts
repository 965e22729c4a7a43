/**
 * 6. What one node has durably committed is the same on every node, for ever, and is nowhere deleted
 * again except by compaction (paper 5.4.3).
 */
import type { Entry } from "../../../src/raft/types.ts";
import { entryDigest } from "./digest.ts";
import type { History, Invariant, NodeObservation, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class CommittedImmutable implements Invariant {
  readonly name = "committed-immutable";

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      this.#checkRemoved(observation, history);
      this.#noteDurable(observation, history);
      this.#checkLive(observation, history);
    }
  }

  #checkRemoved({ node, durableChange }: NodeObservation, history: History): void {
    for (const entry of durableChange.removed) {
      // A node that the committing term has not reached was not counted, and may still follow an older leader.
      if (history.committedBy(entry.index) > node.durable.term) continue;
      const committed = history.committed(entry.index);
      if (committed !== null && entryDigest(committed) === entryDigest(entry)) {
        violated(this.name, `${node.id} deleted committed entry ${entry.index}`);
      }
    }
  }

  #noteDurable({ node, before }: NodeObservation, history: History): void {
    const { log, commit } = node.durable;
    for (let index = (before?.durable.commit ?? 0) + 1; index <= commit; index += 1) {
      if (index > log.last) violated(this.name, `${node.id} has committed ${index} beyond its log`);
      if (index <= log.snapshot.index) {
        if (index > history.committedMax)
          violated(this.name, `${node.id}'s snapshot has uncommitted ${index}`);
      } else {
        const entry = log.entry(index);
        if (!history.noteCommitted(entry, node.durable.term)) this.#differs(node.id, entry, history);
      }
    }
  }

  #checkLive({ node, liveBefore }: NodeObservation, history: History): void {
    if (node.live === null) return;
    const { log, commit } = node.live;
    const from = Math.max(liveBefore?.commit ?? 0, log.snapshot.index) + 1;
    for (let index = from; index <= Math.min(commit, history.committedMax); index += 1) {
      const entry = log.entry(index);
      const known = history.committed(index);
      if (known === null || entryDigest(known) !== entryDigest(entry)) this.#differs(node.id, entry, history);
    }
  }

  #differs(id: string, entry: Entry, history: History): never {
    const known = history.committed(entry.index);
    const there = known === null ? "nothing" : `"${entryDigest(known)}"`;
    return violated(this.name, `${id} committed "${entryDigest(entry)}" at ${entry.index}, others ${there}`);
  }
}
