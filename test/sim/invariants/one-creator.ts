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

interface Made {
  readonly entry: Entry;
  /**
   * The start of its leader in whose memory alone it has been seen so far; null once it has left or is
   * on a disk. A leader that fell asleep, woke and lost that memory leads on, and may make it otherwise.
   */
  readonly onlyIn: number | null;
}

export class OneCreator implements Invariant {
  readonly name = "one-creator";
  /** By `index` and `term`: what was made. */
  readonly #made = new Map<number, Map<number, Made>>();

  check({ step, nodes, history }: Observation): void {
    // What has left comes first: a superseded leader's entry is otherwise seen to come from nowhere.
    for (const { from, message } of step.departures) {
      if (message.kind !== "append") continue;
      const start = step.node(from)?.incarnation ?? 0;
      for (const entry of message.entries) {
        if (entry.term === message.term) this.#note(from, internEntry(entry), start, true, history);
      }
    }
    for (const { node, liveChange, durableChange } of nodes) {
      if (node.live !== null && liveChange !== null) {
        for (const entry of liveChange.added) this.#note(node.id, entry, node.incarnation, false, history);
      }
      for (const entry of durableChange.added) this.#stored(entry);
    }
  }

  #note(id: NodeId, entry: Entry, start: number, hasLeft: boolean, history: History): void {
    const { index, term } = entry;
    let terms = this.#made.get(index);
    if (terms === undefined) {
      terms = new Map();
      this.#made.set(index, terms);
    }
    // Not always seen while it leads: a slow disk may keep its term from everybody until it is over.
    const leader = history.leaders.get(term);
    const known = terms.get(term);
    if (known === undefined) {
      if (leader !== id) violated(this.name, `${id} has ${term}/${index} first, in a term led by ${leader}`);
      terms.set(term, { entry, onlyIn: hasLeft ? null : start });
      return;
    }
    const isElsewhere = leader !== id || hasLeft;
    if (known.entry === entry || entryDigest(known.entry) === entryDigest(entry)) {
      if (isElsewhere && known.onlyIn !== null) terms.set(term, { entry, onlyIn: null });
      return;
    }
    if (leader === id && known.onlyIn !== null && known.onlyIn !== start) {
      terms.set(term, { entry, onlyIn: hasLeft ? null : start });
      return;
    }
    violated(
      this.name,
      `${id} has "${entryDigest(entry)}" at ${term}/${index}, made as "${entryDigest(known.entry)}"`,
    );
  }

  #stored(entry: Entry): void {
    const terms = this.#made.get(entry.index);
    const known = terms?.get(entry.term);
    if (known !== undefined && known.onlyIn !== null && entryDigest(known.entry) === entryDigest(entry)) {
      terms?.set(entry.term, { entry: known.entry, onlyIn: null });
    }
  }
}
