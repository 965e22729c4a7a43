/** Messages between replicas that have left for good, collected for the invariants of the next step. */
import type { PeerAnswer, PeerEnvelope } from "../../../src/engine/peer-api.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { Departure } from "../../raft/invariants/view.ts";

export interface SimDeparture extends Departure {
  /**
   * False for an answer to a call that was made before its two ends had met, and so did not say which
   * database it was meant for; then the asker looks at the answer's, and may well discard it.
   */
  readonly addressed: boolean;
}

export class Departures {
  #list: SimDeparture[] = [];
  /** All so far, for the message budget. */
  total = 0;

  sent({ address, messages }: PeerEnvelope): void {
    this.#add(address.from, address.to, messages, true);
  }

  /** What is said back to the sender of `envelope`. */
  answered({ address }: PeerEnvelope, answer: PeerAnswer): void {
    if (answer.kind !== "messages") return;
    this.#add(address.to, address.from, answer.messages, address.toIncarnation !== null);
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  take(): readonly SimDeparture[] {
    const list = this.#list;
    this.#list = [];
    return list;
  }

  #add(from: NodeId, to: NodeId, messages: PeerEnvelope["messages"], addressed: boolean): void {
    this.total += messages.length;
    for (const message of messages) this.#list.push({ from, to, message, addressed });
  }
}
