/** Messages between replicas that have left for good, collected for the invariants of the next step. */
import type { PeerAnswer, PeerEnvelope } from "../../../src/engine/peer-api.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { Departure } from "../../raft/invariants/view.ts";

export class Departures {
  #list: Departure[] = [];
  /** All so far, for the message budget. */
  total = 0;

  sent({ address, messages }: PeerEnvelope): void {
    this.#add(address.from, address.to, messages);
  }

  answered(from: NodeId, to: NodeId, answer: PeerAnswer): void {
    if (answer.kind === "messages") this.#add(from, to, answer.messages);
  }

  take(): readonly Departure[] {
    const list = this.#list;
    this.#list = [];
    return list;
  }

  #add(from: NodeId, to: NodeId, messages: PeerEnvelope["messages"]): void {
    this.total += messages.length;
    for (const message of messages) this.#list.push({ from, to, message });
  }
}
