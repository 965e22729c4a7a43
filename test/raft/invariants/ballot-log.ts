/**
 * 7, where it begins: whoever is granted a ballot has a log no older than the granter's (paper 5.4.1).
 * For pre-votes too, or a node that is behind makes everybody change terms in vain (thesis 9.6).
 */
import type { NodeId } from "../../../src/raft/types.ts";
import type { Invariant, Observation } from "./observation.ts";
import type { Departure, LogView } from "./view.ts";
import { violated } from "./violation.ts";

interface Claim {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export class BallotLog implements Invariant {
  readonly name = "ballot-log";
  /** The newest log that was shown with a ballot, by who asked for what. */
  readonly #claims = new Map<string, Claim>();

  check({ step }: Observation): void {
    for (const departure of step.departures) {
      this.#noteAsked(departure);
      const { from, to, message } = departure;
      if (message.kind !== "vote-response" || !message.granted) continue;
      const claim = this.#claims.get(ballot(to, message.term, message.preVote));
      const granter = step.node(from)?.durable.log;
      if (granter === undefined) continue;
      if (claim === undefined) violated(this.name, `${from} grants ${to} a ballot that nobody asked for`);
      const own = lastOf(granter);
      if (isOlder(claim, own)) {
        violated(this.name, `${from}, at ${describe(own)}, grants a ballot to ${to}, at ${describe(claim)}`);
      }
    }
  }

  #noteAsked({ from, message }: Departure): void {
    if (message.kind !== "vote" && message.kind !== "pre-vote") return;
    const key = ballot(from, message.term, message.kind === "pre-vote");
    const known = this.#claims.get(key);
    if (known === undefined || isOlder(known, message)) this.#claims.set(key, message);
  }
}

function ballot(asker: NodeId, term: number, preVote: boolean): string {
  return `${asker} ${term} ${preVote}`;
}

function lastOf(log: LogView): Claim {
  const { last, snapshot } = log;
  return { lastIndex: last, lastTerm: last === snapshot.index ? snapshot.term : log.entry(last).term };
}

function isOlder(a: Claim, b: Claim): boolean {
  return a.lastTerm < b.lastTerm || (a.lastTerm === b.lastTerm && a.lastIndex < b.lastIndex);
}

function describe({ lastIndex, lastTerm }: Claim): string {
  return `${lastTerm}/${lastIndex}`;
}
