/**
 * Whether this replica takes part: it does not once its database was lost, once it was removed, and
 * after an invariant broke. Also judges who may call it.
 */
import type { NodeId } from "../raft/types.ts";
import type { EngineContext } from "./engine-context.ts";
import type { MemberChanges } from "./member-changes.ts";
import type { PeerAddress, PeerAnswer, PeerRefusal, Successors } from "./peer-api.ts";
import type { StoredReplica } from "./ports.ts";

const WIPED =
  "this replica's database was lost: under its old id it has forgotten its votes and must not take part; " +
  "remove the member and add another one";
const REMOVED = "removed: this replica is not a member any more; its cluster goes on with others";
const BROKEN = "an invariant broke; the instance is restarted from its database";

export class Standing {
  readonly #self: NodeId;
  #stopped: string | null;
  #successors: Successors | null;

  constructor({ identity, wiped, successors }: StoredReplica) {
    this.#self = identity.memberId;
    this.#successors = successors;
    this.#stopped = wiped ? WIPED : successors !== null ? REMOVED : null;
  }

  /** Why this replica serves nothing; null while it is well. */
  get stopped(): string | null {
    return this.#stopped;
  }

  /** Who the members were when this one was removed; null while it is one. */
  get successors(): Successors | null {
    return this.#successors;
  }

  break(): void {
    this.#stopped = BROKEN;
  }

  /** Why a call under `address` is not handled; null when it is, and then the caller is known. */
  refusal(
    now: number,
    address: PeerAddress,
    context: EngineContext,
    changes: MemberChanges,
  ): PeerRefusal | null {
    if (this.#stopped !== null) return this.#refusalWhenStopped(address, context, changes);
    const refusal = context.peers.refusal(address);
    if (refusal?.reason === "receiver-wiped") this.#becomeWiped(now, context);
    if (refusal !== null) return refusal;
    if (changes.isRemoved(address.from)) {
      return { kind: "refused", reason: "removed", successors: successorsOf(context) };
    }
    if (address.origin !== undefined) context.roster.meet(address.origin);
    return null;
  }

  /**
   * Who was removed still tells whom its records saw removed before it: that one may know no other member
   * than this, and would ask for votes for ever.
   */
  #refusalWhenStopped(address: PeerAddress, context: EngineContext, changes: MemberChanges): PeerRefusal {
    if (this.#stopped === WIPED) return { kind: "refused", reason: "receiver-wiped" };
    const successors = this.#successors;
    const mayTell = this.#stopped === REMOVED && successors !== null;
    if (mayTell && context.peers.refusal(address) === null && changes.isRemoved(address.from)) {
      return { kind: "refused", reason: "removed", successors };
    }
    return { kind: "refused", reason: "stopped" };
  }

  /** A peer answered; true if that ended this replica's part. */
  ended(now: number, answer: PeerAnswer | null, context: EngineContext): boolean {
    if (answer?.kind !== "refused") return false;
    if (answer.reason === "sender-wiped") this.#becomeWiped(now, context);
    else if (answer.reason === "removed") this.#becomeRemoved(now, answer.successors, context);
    return this.#stopped !== null;
  }

  /** Between turns: this replica's own records may say that it is out. Whoever waits is answered first. */
  check(now: number, context: EngineContext, changes: MemberChanges, isBusy: boolean): void {
    if (this.#stopped !== null || isBusy || this.#successors !== null || !changes.isRemoved(this.#self))
      return;
    this.#becomeRemoved(now, successorsOf(context), context);
  }

  /** A peer knew this id with another database: this one has forgotten votes and acknowledgements. */
  #becomeWiped(now: number, context: EngineContext): void {
    context.turn(
      now,
      () => undefined,
      () => context.storage.setWiped(),
    );
    this.#stopped = WIPED;
  }

  #becomeRemoved(now: number, successors: Successors, context: EngineContext): void {
    this.#successors = successors;
    context.turn(
      now,
      () => undefined,
      () => context.storage.setRemoved(successors),
    );
    this.#stopped ??= REMOVED;
  }
}

function successorsOf({ roster }: EngineContext): Successors {
  return { version: roster.membership.version, members: roster.members };
}
