/**
 * 1. At most one leader per term, over all history (paper 5.2). A restarted one leads on only where it
 * fell asleep, with all that it ever sent: what it may have sent and lost it must not send otherwise.
 */
import { becameLeader, type Invariant, type NodeObservation, type Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class ElectionSafety implements Invariant {
  readonly name = "election-safety";

  /** The last entry that was ever sent in a term. */
  readonly #sent = new Map<number, number>();

  check({ nodes, step, history }: Observation): void {
    for (const { message } of step.departures) {
      if (message.kind !== "append") continue;
      const last = message.previousIndex + message.entries.length;
      this.#sent.set(message.term, Math.max(last, this.#sent.get(message.term) ?? 0));
    }
    for (const observation of nodes) {
      if (!becameLeader(observation)) continue;
      const { id, live } = observation.node;
      const term = live?.term ?? 0;
      const known = history.leaders.get(term);
      if (known === id && this.#leadsOn(observation)) continue;
      if (known !== undefined) violated(this.name, `${id} leads term ${term}, which ${known} has led`);
      history.leaders.set(term, id);
    }
  }

  #leadsOn({ node, liveBefore }: NodeObservation): boolean {
    const { live, durable } = node;
    if (live === null || liveBefore !== null || !live.isResumed) return false;
    return durable.term === live.term && durable.log.last >= (this.#sent.get(live.term) ?? 0);
  }
}
