/**
 * Clients' reads, and the read indexes that followers ask for: from the question how much must be
 * applied to the answer out of this replica's own rows.
 */
import { assert } from "../base/assert.ts";
import type { Need } from "../mvcc/auth/need.ts";
import type { ReadDecision } from "../raft/effects.ts";
import type { NodeId } from "../raft/types.ts";
import type { Access } from "./access.ts";
import { ConfirmedIndex, type Inquiry } from "./confirmed-index.ts";
import { earliest } from "./earliest.ts";
import type { EngineContext } from "./engine-context.ts";
import type { ReadIndexAnswer } from "./peer-api.ts";
import { type ReadFate, Reads } from "./reads.ts";
import type { ReadCall, Rejected, ReplicaHeader, Unavailable } from "./replica-api.ts";
import { readRefusal, unavailable } from "./replies.ts";

/** What a read needs, to be judged when it is answered. */
export type Needs = () => Iterable<Need>;

interface Fresh {
  readonly kind: "fresh";
  readonly header: ReplicaHeader;
}

/** The leader was asked how much must be applied. */
interface Asked {
  readonly leader: NodeId;
  readonly inquiry: Inquiry;
  readonly answered: (index: number | null) => void;
}

export class ClientReads {
  readonly #context: EngineContext;
  readonly #access: Access;
  readonly #reads: Reads;
  readonly #decisions = new Map<number, (index: number | null) => void>();
  readonly #confirmed = new ConfirmedIndex();
  /** The newest question that has no answer yet, and may need another leader for one. */
  #asked: Asked | null = null;
  #ids = 0;
  /** This turn's transaction has the fence of a lone voter. */
  #isFenced = false;
  /** Since when further reads of a lone voter gather for its next fence; null while the next one needs not wait. */
  #gathersSince: number | null = null;
  /** Their question. */
  #gathered: ((index: number | null) => void) | null = null;

  constructor(context: EngineContext, access: Access) {
    this.#context = context;
    this.#access = access;
    this.#reads = new Reads(
      (answered) => this.#askReadIndex(answered),
      () => context.now,
    );
  }

  get count(): number {
    return this.#reads.count;
  }

  /** `answer` reads the store once everything that `call` must see is applied here. */
  read<T>(
    now: number,
    call: Omit<ReadCall, "request">,
    needs: Needs,
    done: (reply: T | Rejected | Unavailable) => void,
    answer: (header: ReplicaHeader) => T | Unavailable,
  ): void {
    this.allow(now, call, needs, done, (header) => done(answer(header)));
  }

  /**
   * `go` is called once everything that `call` must see is applied here, if whoever asks may have what
   * it needs by that same state. A token that is not known here may be a newer one: it is refused only
   * with everything applied that was acknowledged to anybody.
   */
  allow(
    now: number,
    call: Omit<ReadCall, "request">,
    needs: Needs,
    refuse: (reply: Rejected | Unavailable) => void,
    go: (header: ReplicaHeader) => void,
  ): void {
    const context = this.#context;
    const expiresAt = now + call.timeoutMs;
    this.whenFresh<Fresh>(
      now,
      call,
      (reply) => {
        if (reply.kind !== "fresh") {
          refuse(reply);
          return;
        }
        const { header } = reply;
        const error = this.#access.refusal(context.now, call.token, needs());
        if (error === null) go(header);
        else if (error !== "invalidAuthToken" || !mayBeOld(call)) {
          refuse({ kind: "rejected", error, header });
        } else {
          const timeoutMs = Math.max(0, expiresAt - context.now);
          const { maxStalenessMs, ...rest } = call;
          this.allow(context.now, { ...rest, consistency: "linearizable", timeoutMs }, needs, refuse, go);
        }
      },
      (header) => ({ kind: "fresh", header }),
    );
  }

  /**
   * `answer` is asked once everything that `call` must see is applied here. Whoever uses this must ask
   * himself what his client may see.
   */
  whenFresh<T>(
    now: number,
    call: Omit<ReadCall, "request">,
    done: (reply: T | Unavailable) => void,
    answer: (header: ReplicaHeader) => T | Unavailable,
  ): void {
    const context = this.#context;
    const refuse = (reason: Unavailable["reason"], message: string) =>
      done(unavailable(reason, message, context.header()));
    if (context.stopped !== null) {
      refuse("stopped", context.stopped);
      return;
    }
    if (call.consistency === "leader" && !context.raft.isLeader) {
      const { member, leader } = context.header();
      refuse("not-leader", `${member} does not lead${leader === null ? "" : `; ask ${leader}`}`);
      return;
    }
    const answerWith = (fate: ReadFate) => {
      const header = context.header();
      if (fate.kind !== "ready") done(readRefusal(fate, header));
      // A part of a backup may end in the middle of a revision. Another replica may be further.
      else if (context.machine.isRestoring) refuse("no-leader", "a snapshot is being restored");
      else done(answer(header));
    };
    const isHere = call.consistency === "serializable" || this.#isFreshEnough(now, call);
    if (isHere && call.minRevision <= context.machine.state().revision) {
      context.answerAt(now, () => answerWith({ kind: "ready" }));
      return;
    }
    const expiresAt = now + call.timeoutMs;
    const settle = (fate: ReadFate) => context.afterTurn(() => answerWith(fate));
    let accepted = true;
    const add = (): void => {
      accepted =
        call.consistency === "serializable"
          ? this.#reads.atRevision(expiresAt, call.minRevision, settle)
          : this.#reads.linearizable(now, expiresAt, call.minRevision, settle);
    };
    if (call.consistency === "serializable") {
      context.turn(now, add);
    } else {
      add();
      // What only joins others that wait changes nothing yet.
      if (this.#reads.isDue(now)) context.turn(now, () => undefined);
    }
    if (!accepted) refuse("overloaded", "too many reads are waiting; slow down");
  }

  /** The clock was set back by nobody knows how much: how old this replica's state is cannot be told any more. */
  clockSetBack(): void {
    this.#confirmed.forget();
  }

  #isFreshEnough(now: number, { consistency, maxStalenessMs }: Omit<ReadCall, "request">): boolean {
    if (consistency !== "linearizable" || maxStalenessMs === undefined) return false;
    const { raft, now: known } = this.#context;
    return this.#confirmed.covers(Math.max(now, known), maxStalenessMs, raft.core.applied);
  }

  /** A follower wants to answer a linearizable read. */
  readIndex(now: number, done: (answer: ReadIndexAnswer) => void): void {
    this.#context.turn(now, () => {
      this.#askCore(now, (index) => {
        const answer: ReadIndexAnswer = index === null ? { kind: "not-leader" } : { kind: "index", index };
        this.#context.afterTurn(() => done(answer));
      });
    });
  }

  /** The core has decided a read index. */
  decided({ id, index }: ReadDecision): void {
    const answered = this.#decisions.get(id);
    assert(answered !== undefined, `nobody asked for read ${id}`);
    this.#decisions.delete(id);
    answered(index);
  }

  /** Answers what has become visible. Called after applying, at the end of each turn. */
  applied(index: number, revision: number): void {
    this.#reads.applied(index, revision);
    this.#askNextLeader();
    // The fence is being written for a while, of which only the platform knows the end: reads that have
    // come by the time that a timer is served share the next one.
    if (this.#isFenced) this.#gathersSince = this.#context.now;
    this.#isFenced = false;
  }

  /** A timer fired, in this turn: whoever could be heard has been. */
  ticked(): void {
    this.#reads.ticked();
    const gathered = this.#gathered;
    this.#gathersSince = null;
    this.#gathered = null;
    if (gathered !== null) this.#askReadIndex(gathered);
  }

  /** In every turn: whose time is over is answered, and those who wait for it leave with a question. */
  advance(now: number): void {
    this.#reads.expire(now);
    this.#reads.ask(now);
  }

  /** Null while some gather: no alarm is worth setting for what a timer in memory serves at once. */
  deadline(): number | null {
    return this.#gathersSince === null ? this.#reads.deadline() : null;
  }

  /** When a timer in memory is due for those that gather, or wait for company. */
  gatherDeadline(): number | null {
    return earliest([this.#gathersSince, this.#reads.askDeadline()]);
  }

  #askReadIndex(answered: (index: number | null) => void): void {
    const { raft, sender, peers, now } = this.#context;
    const { leader } = raft.core;
    if (raft.isLeader && this.#isLone && this.#gathersSince !== null) {
      this.#gathered = answered;
    } else if (raft.isLeader) {
      this.#askCore(now, answered);
    } else if (leader === null) {
      answered(null);
    } else {
      raft.wake(now);
      const asked: Asked = { leader, inquiry: this.#confirmed.ask(now), answered };
      this.#asked = asked;
      sender.readIndex(peers.addressTo(leader), (later, answer) =>
        this.#context.turn(later, () => this.#heard(asked, answer)),
      );
    }
  }

  /** A leader that does not answer is being replaced, if others miss it too: the reads have time for that. */
  #heard(asked: Asked, answer: ReadIndexAnswer | null): void {
    const { core } = this.#context.raft;
    if (answer === null && (core.leader === null || core.isProbing)) return;
    if (this.#asked === asked) this.#asked = null;
    if (answer?.kind === "index") this.#confirmed.confirm(asked.inquiry, answer.index, core.applied);
    asked.answered(answer?.kind === "index" ? answer.index : null);
  }

  /** What a leader was asked that has been replaced, the next one is asked too: the first answer counts. */
  #askNextLeader(): void {
    const context = this.#context;
    const asked = this.#asked;
    const { leader } = context.raft.core;
    if (asked === null || leader === null || leader === asked.leader) return;
    this.#asked = null;
    context.afterTurn(() => context.turn(context.now, () => this.#askReadIndex(asked.answered)));
  }

  #askCore(now: number, answered: (index: number | null) => void): void {
    const { raft, storage } = this.#context;
    const inquiry = this.#confirmed.ask(now);
    this.#ids += 1;
    this.#decisions.set(this.#ids, (index) => {
      if (index !== null) this.#confirmed.confirm(inquiry, index, raft.core.applied);
      answered(index);
    });
    if (this.#isLone) {
      storage.fence();
      this.#isFenced = true;
    }
    raft.read(now, this.#ids);
  }

  /** A lone voter asks nobody: only a write shows that no newer instance has taken its place. */
  get #isLone(): boolean {
    const { core } = this.#context.raft;
    const { voters, votersOutgoing } = core.configurations.current;
    return [...voters, ...votersOutgoing].every((id) => id === core.id);
  }
}

/** Whether an answer to `call` may be older than what was told elsewhere. */
function mayBeOld({ consistency, maxStalenessMs }: Omit<ReadCall, "request">): boolean {
  return consistency === "serializable" || (consistency === "linearizable" && maxStalenessMs !== undefined);
}
