/**
 * 4. Entries of equal index and term are equal, and so is everything before them (paper 5.3). By
 * induction it is enough that equal (index, term) has equal content and an equal term before it.
 */
import type { Entry, NodeId } from "../../../src/raft/types.ts";
import { entryDigest } from "./digest.ts";
import type { LogChange } from "./log-tracker.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { LogView } from "./view.ts";
import { violated } from "./violation.ts";

interface Known {
  readonly digest: string;
  readonly termBefore: number;
  /**
   * Who alone has it, in memory only: a leader that leads on in its term after a crash makes another
   * one there, and nobody can tell. Null once it was durable or sent.
   */
  unheard: NodeId | null;
}

export class LogMatching implements Invariant {
  readonly name = "log-matching";
  readonly #known = new Map<string, Known>();

  check({ nodes, step }: Observation): void {
    for (const { node, durableChange, liveChange } of nodes) {
      if (durableChange.added.length > 0) {
        this.#checkLog(`${node.id}'s durable log`, node.durable.log, durableChange, null);
      }
      if (node.live !== null && liveChange !== null && liveChange.added.length > 0) {
        this.#checkLog(`${node.id}'s log`, node.live.log, liveChange, node.id);
      }
    }
    for (const { message } of step.departures) {
      if (message.kind !== "append") continue;
      for (const { index, term } of message.entries) {
        const known = this.#known.get(`${index}/${term}`);
        if (known !== undefined) known.unheard = null;
      }
    }
  }

  #checkLog(what: string, log: LogView, change: LogChange, unheard: NodeId | null): void {
    for (const entry of change.added) {
      const termBefore =
        entry.index - 1 === log.snapshot.index ? log.snapshot.term : log.entry(entry.index - 1).term;
      if (termBefore > entry.term) violated(this.name, `terms decrease at ${entry.index} in ${what}`);
      this.#checkEntry(what, entry, termBefore, unheard);
    }
  }

  #checkEntry(what: string, entry: Entry, termBefore: number, unheard: NodeId | null): void {
    const key = `${entry.index}/${entry.term}`;
    const digest = entryDigest(entry);
    const known = this.#known.get(key);
    const isReplaced = known?.unheard !== undefined && known.unheard !== null && known.unheard === unheard;
    if (known === undefined || isReplaced) {
      this.#known.set(key, { digest, termBefore, unheard });
      return;
    }
    known.unheard = null;
    if (known.digest !== digest) {
      violated(this.name, `entry ${key} in ${what} is "${digest}", elsewhere "${known.digest}"`);
    }
    if (known.termBefore !== termBefore) {
      violated(
        this.name,
        `entry ${key} in ${what} follows term ${termBefore}, elsewhere ${known.termBefore}`,
      );
    }
  }
}
