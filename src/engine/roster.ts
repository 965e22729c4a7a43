import type { MemberInfo, Membership } from "../mvcc/member/membership.ts";
import type { NodeId } from "../raft/types.ts";
import type { MemberPlace } from "./replica-api.ts";

/** Callers that are not members yet, as far as this replica knows; the oldest is forgotten. */
const STRANGERS_MAX = 32;

/**
 * Who the members are by name and place: those on record, those who founded the cluster as long as
 * nothing is on record, and callers that said where they are. A new member knows its leader that way
 * before it has any record.
 */
export class Roster {
  readonly #founders: readonly MemberPlace[];
  readonly #membership: () => Membership;
  readonly #strangers = new Map<NodeId, MemberPlace>();
  /** The last membership seen, and its places. */
  #seen: Membership | null = null;
  #places: readonly MemberPlace[] = [];

  constructor(founders: readonly MemberPlace[], membership: () => Membership) {
    this.#founders = founders;
    this.#membership = membership;
  }

  /** Everything on record. */
  get membership(): Membership {
    return this.#membership();
  }

  /** The first members, as this deployment's configuration has them. */
  get founders(): readonly MemberPlace[] {
    return this.#founders;
  }

  /** The present members. */
  get members(): readonly MemberPlace[] {
    const membership = this.#membership();
    if (membership !== this.#seen) {
      this.#seen = membership;
      this.#places = membership.version === 0 ? this.#founders : membership.members.map(placeOf);
    }
    return this.#places;
  }

  /**
   * Null: nobody knows. Former members have a place too: a configuration may still count them, while
   * the records that removed them are applied everywhere and nobody remembers having met them.
   */
  placeOf(id: NodeId): MemberPlace | null {
    const isHere = (place: MemberPlace): boolean => place.id === id;
    const known = this.members.find(isHere) ?? this.#formerPlaceOf(id);
    return known ?? this.#strangers.get(id) ?? this.#founders.find(isHere) ?? null;
  }

  nameOf(id: NodeId): string {
    return this.placeOf(id)?.name ?? id;
  }

  /** A caller said where it is. */
  meet(place: MemberPlace): void {
    this.#strangers.delete(place.id);
    this.#strangers.set(place.id, place);
    const oldest = this.#strangers.keys().next();
    if (this.#strangers.size > STRANGERS_MAX && oldest.done === false) this.#strangers.delete(oldest.value);
  }

  #formerPlaceOf(id: NodeId): MemberPlace | null {
    const former = this.membership.former.find((location) => location.id === id);
    return former === undefined ? null : { ...former, serves: false };
  }
}

function placeOf({ id, name, isFounder, hint, binding, isLearner, isStarted }: MemberInfo): MemberPlace {
  return { id, name, isFounder, hint, binding, serves: isStarted && !isLearner };
}
