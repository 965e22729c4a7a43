/** Clients' writes: into the queue of the leader, or on to whoever leads. */
import { LIMITS } from "../base/limits.ts";
import type { Need } from "../mvcc/auth/need.ts";
import { needsOfCommand } from "../mvcc/auth/visitor.ts";
import type { NodeId } from "../raft/types.ts";
import type { Command } from "../wire/gen/edged_pb.ts";
import type { Access, ClientActor } from "./access.ts";
import type { ClientReads } from "./client-reads.ts";
import type { EngineContext } from "./engine-context.ts";
import type { MemberChanges } from "./member-changes.ts";
import { isMemberCommand } from "./member-command.ts";
import type { Proposals } from "./proposals.ts";
import type { ProposeReply, ProposeRequest, ReplicaHeader } from "./replica-api.ts";
import { proposeReply, unavailable } from "./replies.ts";
import { readCommand, stampActor, stampSeen } from "./stamp.ts";

type Done = (reply: ProposeReply) => void;

interface Fresh {
  readonly kind: "fresh";
}
const FRESH: Fresh = { kind: "fresh" };

/** A client's command on its way to the log. */
interface Write {
  /** When its time began. */
  readonly now: number;
  readonly request: ProposeRequest;
  /** What `request` says, read once. */
  readonly decoded: Command;
  /** The same encoded, with what was noted in it here. */
  readonly bytes: Uint8Array;
  /** Left of the caller's time at `now`. */
  readonly timeoutMs: number;
}

/** A write that was passed on to the leader and has no answer yet. */
interface Forwarded {
  readonly leader: NodeId;
  readonly done: Done;
}

/** How often a command is signed anew because users and roles keep changing. */
const SIGNATURES_MAX = 4;

export class ClientWrites {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #reads: ClientReads;
  readonly #changes: MemberChanges;
  readonly #access: Access;
  readonly #forwarded = new Set<Forwarded>();
  /** The newest leader that was known. */
  #leader: NodeId | null = null;
  #failures = 0;

  constructor(
    context: EngineContext,
    proposals: Proposals,
    reads: ClientReads,
    changes: MemberChanges,
    access: Access,
  ) {
    this.#context = context;
    this.#proposals = proposals;
    this.#reads = reads;
    this.#changes = changes;
    this.#access = access;
  }

  /** Writes that got no outcome since this instance began. */
  get failures(): number {
    return this.#failures;
  }

  /** `done` is called once, within `request.timeoutMs` if time is told in time. */
  propose(now: number, request: ProposeRequest, answer: (reply: ProposeReply) => void): void {
    const done = (reply: ProposeReply): void => {
      if (reply.kind === "unavailable") this.#failures += 1;
      answer(reply);
    };
    const header = this.#context.header();
    const { stopped } = this.#context;
    if (stopped !== null) {
      done(unavailable("stopped", stopped, header));
      return;
    }
    if (request.command.length > LIMITS.receiveBytesMax) {
      done({ kind: "rejected", error: "requestTooLarge", header });
      return;
    }
    const decoded = readCommand(request.command);
    if (decoded === null) {
      done(
        unavailable("stopped", "the command cannot be read: gateway and replica differ in version", header),
      );
      return;
    }
    const write: Write = {
      now,
      request,
      decoded,
      bytes: stampSeen(request.command, decoded, header.sequence),
      timeoutMs: request.timeoutMs,
    };
    if (request.mayForward) this.#proposeFor(write, SIGNATURES_MAX, done);
    else this.#send(write, done);
  }

  /**
   * Notes in a client's command who gives it. Whom the log finds to be somebody else by now is asked
   * again: users and roles were changed meanwhile, or this replica lags.
   */
  #proposeFor(write: Write, triesLeft: number, done: Done): void {
    const { now, request, decoded, bytes, timeoutMs } = write;
    const actor = this.#access.actorOf(now, request.token);
    if (actor === null || this.#isForbidden(write, actor)) {
      this.#refuse(write, done);
      return;
    }
    this.#send({ ...write, bytes: stampActor(bytes, decoded, actor) }, (reply) => {
      const isOld = reply.kind === "rejected" && reply.error === "authOldRevision";
      const leftMs = now + timeoutMs - this.#context.now;
      if (!isOld || triesLeft === 1 || leftMs <= 0) {
        done(reply);
        return;
      }
      const fresh = { consistency: "linearizable", minRevision: 0, timeoutMs: leftMs } as const;
      this.#reads.whenFresh<Fresh>(
        this.#context.now,
        fresh,
        (later) => {
          const again = { ...write, now: this.#context.now, timeoutMs: leftMs };
          if (later.kind !== "fresh") done(later);
          else this.#proposeFor(again, triesLeft - 1, done);
        },
        () => FRESH,
      );
    });
  }

  /** What is refused anyway need not fill the log; what an alarm refuses first is refused for that. */
  #isForbidden({ request, decoded, bytes }: Write, actor: ClientActor): boolean {
    const { machine } = this.#context;
    if (asksTheLog(request) || !machine.auth.isEnabled || machine.refusal(bytes) !== null) return false;
    return machine.auth.refusal(needsOfCommand(decoded), actor) !== null;
  }

  /** Refuses a command for who gives it, once everything is applied here that may say otherwise. */
  #refuse(write: Write, done: Done): void {
    const { now, request, decoded, bytes, timeoutMs } = write;
    const { token } = request;
    const fresh = { consistency: "linearizable", minRevision: 0, timeoutMs, token: token ?? null } as const;
    const needs = (): Iterable<Need> => (asksTheLog(request) ? [] : needsOfCommand(decoded));
    this.#reads.allow(now, fresh, needs, done, () => {
      const later = this.#context.now;
      const actor = this.#access.actorOf(later, token);
      const leftMs = Math.max(0, now + timeoutMs - later);
      if (actor === null) {
        done({ kind: "rejected", error: "invalidAuthToken", header: this.#context.header() });
        return;
      }
      this.#send({ ...write, now: later, bytes: stampActor(bytes, decoded, actor), timeoutMs: leftMs }, done);
    });
  }

  #send(write: Write, done: Done): void {
    const { now, request, decoded, bytes, timeoutMs } = write;
    if (!this.#context.raft.isLeader) {
      this.#forward(now, { ...request, command: bytes, timeoutMs }, this.#context.header(), done);
    } else if (isMemberCommand(decoded)) {
      this.#changes.propose(now, bytes, { ...request, timeoutMs }, done);
    } else {
      this.#proposeUnlessRefused(write, done);
    }
  }

  /**
   * What an alarm refuses need not fill the log, of which a full database is made. It is refused once a
   * quorum has confirmed that this replica leads, so that no alarm that was disarmed before refuses.
   */
  #proposeUnlessRefused({ now, request, bytes, timeoutMs }: Write, done: Done): void {
    const { machine } = this.#context;
    if (request.throughLog === true || machine.refusal(bytes) === null) {
      this.#proposeHere(now, bytes, now + timeoutMs, done);
      return;
    }
    const call = { consistency: "leader", minRevision: 0, timeoutMs } as const;
    this.#reads.whenFresh<ProposeReply>(now, call, done, (header) => {
      const error = machine.refusal(bytes);
      if (error !== null) return { kind: "rejected", error, header };
      return unavailable("no-leader", "the alarm was disarmed at this moment; ask again", header);
    });
  }

  #proposeHere(
    now: number,
    command: Uint8Array,
    expiresAt: number,
    done: (reply: ProposeReply) => void,
  ): void {
    const context = this.#context;
    const accepted = this.#proposals.add(now, command, expiresAt, (fate) => {
      context.afterTurn(() => done(proposeReply(fate, context.header())));
    });
    if (!accepted) {
      done(unavailable("overloaded", "too many writes are waiting; slow down", context.header()));
      return;
    }
    const { log, term } = context.raft.core;
    // Otherwise the turn that ends the wait of the batch takes it along.
    if (this.#proposals.hasBatch(now, log.commit, term)) context.turn(now, () => undefined);
  }

  #forward(now: number, request: ProposeRequest, header: ReplicaHeader, done: Done): void {
    const context = this.#context;
    const { leader } = context.raft.core;
    if (leader === null) {
      done(unavailable("no-leader", `${header.member} knows no leader; an election is due`, header));
    } else if (!request.mayForward) {
      done(unavailable("not-leader", `${header.member} does not lead; ask ${header.leader}`, header));
    } else {
      // If the leader is lost, the group must find that out; nobody else may have asked for long.
      if (context.raft.core.isAsleep) context.turn(now, () => context.raft.wake(now));
      const forwarded: Forwarded = { leader, done };
      this.#forwarded.add(forwarded);
      context.sender.propose(leader, { ...request, mayForward: false }, (_now, reply) => {
        if (!this.#forwarded.delete(forwarded)) return;
        const silence = `the leader ${header.leader} did not answer in time`;
        done(reply ?? unavailable("timeout", silence, context.header(), true));
      });
    }
  }

  /** One that was replaced may never answer. Who waits for it asks again, under the same id, before his time is over. */
  leaderIs(leader: NodeId | null): void {
    if (leader === null || leader === this.#leader) return;
    const context = this.#context;
    this.#leader = leader;
    for (const forwarded of this.#forwarded) {
      if (forwarded.leader === leader) continue;
      this.#forwarded.delete(forwarded);
      const message = "the leader was replaced before it answered";
      context.afterTurn(() => forwarded.done(unavailable("timeout", message, context.header(), true)));
    }
  }
}

/**
 * An earlier attempt may have been applied, or be on its way: what becomes of this one is decided where
 * both are seen. Whoever does not say who he is may neither fill the log nor be told what it remembers.
 */
function asksTheLog({ throughLog, token }: ProposeRequest): boolean {
  return throughLog === true && token !== undefined && token !== null && token !== "";
}
