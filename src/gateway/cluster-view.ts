import type { MemberPlace, ReplicaHeader } from "../engine/replica-api.ts";
import { Distances } from "./distances.ts";

/** How long a replica that gave no answer is asked last. */
const SUSPECT_MS = 5_000;
/** Between two questions who the members are. */
const FOLLOW_MS = 1_000;

/**
 * What one isolate knows about one cluster: the leader, and how many writes were applied. Learned in
 * passing from the header of every answer; never trusted for correctness, except that `sequence`
 * only ever grows within one cluster.
 */
export class ClusterView {
  #clusterId: string | null = null;
  #leader: string | null = null;
  #term = 0;
  #sequence = 0;
  #revision = 0;
  /** The members on record; null: the first ones, as configured. */
  #members: readonly MemberPlace[] | null = null;
  #serving: readonly string[] | null = null;
  /** Of `#members`, and the newest that any answer spoke of. */
  #membership = 0;
  #newestMembership = 0;
  #followedAtMs = Number.NEGATIVE_INFINITY;
  readonly #suspectUntilMs = new Map<string, number>();
  /** By what a read waits for: its replica alone, a quorum too, or that only now and then. */
  readonly distances = {
    serializable: new Distances(),
    linearizable: new Distances(),
    bounded: new Distances(),
  } as const;

  /** The last known leader, or null. */
  get leader(): string | null {
    return this.#leader;
  }

  /** The highest count of applied writes seen, or null before the first answer. */
  get sequence(): number | null {
    return this.#clusterId === null ? null : this.#sequence;
  }

  /** The highest revision seen, or 0. */
  get revision(): number {
    return this.#revision;
  }

  /** The members, if they are not the first ones any more. */
  get members(): readonly MemberPlace[] | null {
    return this.#members;
  }

  /** The names of those that clients may be sent to; null: of the first ones. */
  get serving(): readonly string[] | null {
    return this.#serving;
  }

  /** The members have changed, and this isolate does not know how. */
  get isBehind(): boolean {
    return this.#membership < this.#newestMembership;
  }

  /** Whether it is time to ask who the members are. */
  shouldFollow(nowMs: number): boolean {
    if (!this.isBehind || nowMs - this.#followedAtMs < FOLLOW_MS) return false;
    this.#followedAtMs = nowMs;
    return true;
  }

  /** `members` are those of `membership`. */
  learnMembers(membership: number, members: readonly MemberPlace[]): void {
    this.#newestMembership = Math.max(this.#newestMembership, membership);
    if (membership <= this.#membership) return;
    this.#membership = membership;
    this.#members = members;
    const serving = members.filter(({ serves }) => serves);
    this.#serving = (serving.length > 0 ? serving : members).map(({ name }) => name);
    this.#followedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Takes over what an answer says about its cluster. */
  learn(header: ReplicaHeader): void {
    if (header.clusterId !== this.#clusterId) {
      // The first answer, or the cluster was deleted and made anew: terms and counts start again.
      this.#clusterId = header.clusterId;
      this.#leader = null;
      this.#term = 0;
      this.#sequence = 0;
      this.#revision = 0;
      this.#members = null;
      this.#serving = null;
      this.#membership = 0;
      this.#newestMembership = 0;
    }
    this.#newestMembership = Math.max(this.#newestMembership, header.membership);
    if (header.successors !== undefined) this.learnMembers(header.membership, header.successors);
    this.#suspectUntilMs.delete(header.member);
    this.#sequence = Math.max(this.#sequence, header.sequence);
    this.#revision = Math.max(this.#revision, header.revision);
    if (header.term < this.#term) return;
    if (header.term > this.#term) this.#leader = null;
    this.#term = header.term;
    this.#leader = header.leader ?? this.#leader;
  }

  /** `member` gave no answer: it is asked last for a while, and is not taken for the leader. */
  suspect(member: string, nowMs: number): void {
    this.#suspectUntilMs.set(member, nowMs + SUSPECT_MS);
    this.forgetLeader(member);
  }

  /** Whether anybody may be suspect. */
  get hasSuspects(): boolean {
    return this.#suspectUntilMs.size > 0;
  }

  isSuspect(member: string, nowMs: number): boolean {
    return (this.#suspectUntilMs.get(member) ?? 0) > nowMs;
  }

  /** `member` said that it does not lead. */
  forgetLeader(member: string): void {
    if (this.#leader === member) this.#leader = null;
  }
}
