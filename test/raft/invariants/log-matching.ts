/**
 * 4. Entries of equal index and term are equal, and so is everything before them (paper 5.3). By
 * induction it is enough that equal (index, term) has equal content and an equal term before it.
 */
import type { Entry } from "../../../src/raft/types.ts";
import { entryDigest } from "./digest.ts";
import type { LogChange } from "./log-tracker.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { LogView } from "./view.ts";
import { violated } from "./violation.ts";

interface Known {
  readonly digest: string;
  readonly termBefore: number;
}

export class LogMatching implements Invariant {
  readonly name = "log-matching";
  readonly #known = new Map<string, Known>();

  check({ nodes }: Observation): void {
    for (const { node, durableChange, liveChange } of nodes) {
      this.#checkLog(`${node.id}'s durable log`, node.durable.log, durableChange);
      if (node.live !== null && liveChange !== null) {
        this.#checkLog(`${node.id}'s log`, node.live.log, liveChange);
      }
    }
  }

  #checkLog(what: string, log: LogView, change: LogChange): void {
    for (const entry of change.added) {
      const termBefore =
        entry.index - 1 === log.snapshot.index ? log.snapshot.term : log.entry(entry.index - 1).term;
      if (termBefore > entry.term) violated(this.name, `terms decrease at ${entry.index} in ${what}`);
      this.#checkEntry(what, entry, termBefore);
    }
  }

  #checkEntry(what: string, entry: Entry, termBefore: number): void {
    const key = `${entry.index}/${entry.term}`;
    const digest = entryDigest(entry);
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { digest, termBefore });
      return;
    }
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
