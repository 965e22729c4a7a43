/**
 * 17, how it begins: a leader falls asleep when every member has agreed to its very log, or has been
 * silent for so long that it counts as away, and those that agreed are a quorum. Whoever was not asked
 * would wait for the next heartbeat and campaign.
 */
import { hasQuorum } from "../../../src/raft/quorum.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { LiveView, NodeView } from "./view.ts";
import { violated } from "./violation.ts";

/** A member silent for so many election times is away. */
const AWAY_ELECTIONS = 2;

export class SleepConsent implements Invariant {
  readonly name = "sleep-consent";
  /** Who agreed, by whose proposal, in which term, to the end of which log. */
  readonly #agreed = new Map<string, Set<NodeId>>();
  /** Whether a node slept when it was last looked at, and in which start of it that was. */
  readonly #slept = new Map<NodeId, { readonly incarnation: number; readonly isAsleep: boolean }>();

  check({ step, nodes }: Observation): void {
    for (const { from, to, message } of step.departures) {
      if (message.kind !== "quiesce-response" || message.match === 0) continue;
      const key = proposal(to, message.term, message.match);
      const agreed = this.#agreed.get(key) ?? new Set();
      this.#agreed.set(key, agreed.add(from));
    }
    for (const { node } of nodes) {
      const { live } = node;
      if (live !== null && this.#fellAsleep(node, live)) this.#judge(node, live);
    }
  }

  /** A start that finds the note of its sleep has not fallen asleep now. */
  #fellAsleep({ id, incarnation }: NodeView, live: LiveView): boolean {
    const before = this.#slept.get(id);
    if (before?.incarnation === incarnation && before.isAsleep === live.isAsleep) return false;
    this.#slept.set(id, { incarnation, isAsleep: live.isAsleep });
    return before?.incarnation === incarnation && live.isAsleep && live.role === "leader";
  }

  #judge({ id }: NodeView, live: LiveView): void {
    const { term, log, followers, bounds, configuration } = live;
    const agreed = this.#agreed.get(proposal(id, term, log.last)) ?? new Set();
    for (const follower of followers) {
      const silentMs = live.silentMs(follower.id);
      if (agreed.has(follower.id) || silentMs > AWAY_ELECTIONS * bounds.electionMs) continue;
      violated(this.name, `${id} sleeps, and ${follower.id}, heard ${silentMs} ms ago, knows nothing`);
    }
    if (hasQuorum(configuration, (other) => other === id || agreed.has(other))) return;
    violated(this.name, `${id} sleeps, and only ${[...agreed].join()} agreed`);
  }
}

function proposal(leader: NodeId, term: number, last: number): string {
  return `${leader} ${term} ${last}`;
}
