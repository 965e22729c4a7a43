/**
 * 11. Nothing leaves a node that its disk does not bear out at that moment: a crash right now must
 * not turn any message into a lie. Appends are the exception, for their entries only.
 */
import { assertNever } from "../../../src/base/assert.ts";
import { entryDigest } from "./digest.ts";
import type { Invariant, NodeObservation, Observation } from "./observation.ts";
import type { Departure, DurableView, StepView } from "./view.ts";
import { violated } from "./violation.ts";

export class DurableBeforeSent implements Invariant {
  readonly name = "durable-before-sent";

  check({ step, nodes, history }: Observation): void {
    for (const departure of step.departures) {
      const sender = step.node(departure.from);
      const problem = sender === null ? null : problemOf(departure, sender.durable);
      if (problem !== null) {
        const { from, to, message } = departure;
        violated(this.name, `${message.kind} from ${from} to ${to}: ${problem}`);
      }
    }
    for (const { node, index, term } of step.writes) {
      if (history.committed(index)?.term !== term) {
        violated(this.name, `${node} acknowledged ${term}/${index}, which is not committed`);
      }
    }
    for (const observation of nodes) this.#checkMatches(observation, step);
  }

  /** What a leader believes of a follower's log is on that follower's disk, until a later term may have replaced it there. */
  #checkMatches({ node, liveBefore }: NodeObservation, step: StepView): void {
    const { live } = node;
    if (live === null) return;
    for (const { id, match } of live.followers) {
      if (match === 0 || liveBefore?.match.get(id) === match || match <= live.log.snapshot.index) continue;
      const follower = step.node(id)?.durable;
      if (follower === undefined || follower.term > live.term) continue;
      const theirs = follower.log;
      if (match <= theirs.snapshot.index) continue;
      if (match > theirs.last || entryDigest(theirs.entry(match)) !== entryDigest(live.log.entry(match))) {
        violated(this.name, `${node.id} counts on ${id} for ${match}, which its disk does not have`);
      }
    }
  }
}

/** Why `durable` does not bear out the message, or null when it does. */
function problemOf({ from, to, message }: Departure, durable: DurableView): string | null {
  switch (message.kind) {
    case "pre-vote":
      return message.term > durable.term + 1 ? "asks for a term out of reach" : null;
    case "vote":
      return termProblem(message.term, durable) ?? voteProblem(message.term, from, durable);
    case "vote-response":
      if (message.preVote && message.granted) return null;
      return (
        termProblem(message.term, durable) ??
        (message.granted ? voteProblem(message.term, to, durable) : null)
      );
    case "append":
      return termProblem(message.term, durable) ?? reachProblem(message.commit, "commit", durable);
    case "heartbeat":
      return (
        termProblem(message.term, durable) ??
        reachProblem(message.commit, "commit", durable) ??
        reachProblem(message.lastIndex, "last", durable)
      );
    case "append-response":
    case "heartbeat-response":
      return termProblem(message.term, durable) ?? reachProblem(message.match, "match", durable);
    case "snapshot":
      if (message.index > durable.applied) return "offers content that is not durable";
      return termProblem(message.term, durable);
    case "quiesce-response":
      return termProblem(message.term, durable) ?? reachProblem(message.match, "match", durable);
    case "quiesce":
      return termProblem(message.term, durable) ?? reachProblem(message.index, "last", durable);
    case "wake":
    case "timeout-now":
      return termProblem(message.term, durable);
    default:
      return assertNever(message, "message");
  }
}

function termProblem(term: number, durable: DurableView): string | null {
  return term > durable.term ? `term ${term} is not durable` : null;
}

function voteProblem(term: number, vote: string, durable: DurableView): string | null {
  if (durable.term > term || durable.vote === vote) return null;
  return `the vote for ${vote} in term ${term} is not durable`;
}

function reachProblem(index: number, what: string, durable: DurableView): string | null {
  return index > durable.log.last ? `${what} ${index} is beyond the durable log` : null;
}
