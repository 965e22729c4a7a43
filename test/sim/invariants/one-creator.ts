/**
 * 5. An entry (index, term) is made by the one leader of its term, once, with one content; nothing
 * comes from nowhere (paper 5.2, 5.3). Unlike its twin in test/raft it also believes what has left:
 * a superseded leader may send an entry that no current instance ever had.
 */
import type { Entry, NodeId } from "../../../src/raft/types.ts";
import { entryDigest } from "../../raft/invariants/digest.ts";
import type { History, Invariant, Observation } from "../../raft/invariants/observation.ts";
import { violated } from "../../raft/invariants/violation.ts";
import { internEntry } from "../disk/intern-entry.ts";

export class OneCreator implements Invariant {
  readonly name = "one-creator";
  /** By `index` and `term`: what was made. */
  readonly #made = new Map<number, Map<number, Entry>>();

  check({ step, nodes, history }: Observation): void {
    for (const { from, message } of step.departures) {
      if (message.kind !== "append") continue;
      for (const entry of message.entries) {
        if (entry.term === message.term) this.#note(from, internEntry(entry), history);
      }
    }
    for (const { node, liveChange } of nodes) {
      if (node.live === null || liveChange === null) continue;
      for (const entry of liveChange.added) this.#note(node.id, entry, history);
    }
  }

  #note(id: NodeId, entry: Entry, history: History): void {
    const { index, term } = entry;
    let terms = this.#made.get(index);
    if (terms === undefined) {
      terms = new Map();
      this.#made.set(index, terms);
    }
    const known = terms.get(term);
    if (known === undefined) {
      // Not always seen while it leads: a slow disk may keep its term from everybody until it is over.
      const leader = history.leaders.get(term);
      if (leader !== id) violated(this.name, `${id} has ${term}/${index} first, in a term led by ${leader}`);
      terms.set(term, entry);
    } else if (known !== entry && entryDigest(known) !== entryDigest(entry)) {
      violated(
        this.name,
        `${id} has "${entryDigest(entry)}" at ${term}/${index}, made as "${entryDigest(known)}"`,
      );
    }
  }
}
