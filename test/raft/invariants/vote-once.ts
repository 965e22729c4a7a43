/** 2. A vote, once given, stays for its term, across crashes; a durable term never decreases (paper 5.2). */
import type { DurableSummary, Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class VoteOnce implements Invariant {
  readonly name = "vote-once";

  check({ nodes }: Observation): void {
    for (const { node, before, liveBefore } of nodes) {
      if (before !== null) this.#compare(node.id, "durable", before.durable, node.durable);
      if (node.live === null) continue;
      if (liveBefore !== null) this.#compare(node.id, "live", liveBefore, node.live);
      this.#compare(node.id, "live over durable", node.durable, node.live);
    }
  }

  #compare(id: string, what: string, before: Ballot, now: Ballot): void {
    if (now.term < before.term) violated(this.name, `${what} term of ${id} fell to ${now.term}`);
    if (now.term === before.term && before.vote !== null && now.vote !== before.vote) {
      violated(this.name, `${what} vote of ${id} in term ${now.term}: ${before.vote}, then ${now.vote}`);
    }
  }
}

type Ballot = Pick<DurableSummary, "term" | "vote">;
