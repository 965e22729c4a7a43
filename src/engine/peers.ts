/**
 * The other replicas: who they are by id and incarnation, and the calls to them. A message is
 * handled only when both sides are who the other believes; a replica that lost its database is
 * told so and never counts under its old id again (raft.md calls it vote amnesia).
 */
import type { Message, Outgoing } from "../raft/message.ts";
import type { NodeId } from "../raft/types.ts";
import type { Identity } from "./identity.ts";
import type { PeerAddress, PeerRefusal } from "./peer-api.ts";
import type { Roster } from "./roster.ts";

export class Peers {
  readonly #identity: Identity;
  readonly #roster: Roster;
  readonly #incarnations: Map<NodeId, string>;
  /** Peers met in this turn, to be recorded in its transaction. */
  #met: { readonly id: NodeId; readonly incarnation: string }[] = [];

  constructor(identity: Identity, roster: Roster, incarnations: ReadonlyMap<NodeId, string>) {
    this.#identity = identity;
    this.#roster = roster;
    this.#incarnations = new Map(incarnations);
  }

  /** This replica's own. */
  get incarnation(): string {
    return this.#identity.incarnation;
  }

  addressTo(to: NodeId): PeerAddress {
    const { clusterId, memberId, incarnation } = this.#identity;
    const origin = this.#roster.placeOf(memberId);
    return {
      ...(origin === null || origin.isFounder ? {} : { origin }),
      clusterId,
      from: memberId,
      to,
      fromIncarnation: incarnation,
      toIncarnation: this.#incarnations.get(to) ?? null,
    };
  }

  /** Why a call under `address` is not handled; null when it is, and then the caller is known. */
  refusal(address: PeerAddress): PeerRefusal | null {
    const { clusterId, memberId, incarnation } = this.#identity;
    if (address.clusterId !== clusterId) return { kind: "refused", reason: "wrong-cluster" };
    if (address.to !== memberId) return { kind: "refused", reason: "wrong-member" };
    if (address.toIncarnation !== null && address.toIncarnation !== incarnation) {
      return { kind: "refused", reason: "receiver-wiped" };
    }
    return this.recognises(address.from, address.fromIncarnation)
      ? null
      : { kind: "refused", reason: "sender-wiped" };
  }

  /** True when `incarnation` is the one known for `id`; the first one heard becomes known. */
  recognises(id: NodeId, incarnation: string): boolean {
    const known = this.#incarnations.get(id);
    if (known === undefined) {
      this.#incarnations.set(id, incarnation);
      this.#met.push({ id, incarnation });
      return true;
    }
    return known === incarnation;
  }

  takeMet(): readonly { readonly id: NodeId; readonly incarnation: string }[] {
    const met = this.#met;
    this.#met = [];
    return met;
  }
}

/** Messages by receiver, in order: one call carries all that one turn has for a peer. */
export function groupByReceiver(outgoing: readonly Outgoing[]): Map<NodeId, Message[]> {
  const groups = new Map<NodeId, Message[]>();
  for (const { to, message } of outgoing) {
    const group = groups.get(to);
    if (group === undefined) groups.set(to, [message]);
    else group.push(message);
  }
  return groups;
}
