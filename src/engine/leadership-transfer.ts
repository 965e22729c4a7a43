/** Handing leadership over because a client asked for it: done when the target leads. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { NodeId } from "../raft/types.ts";
import { MoveLeaderResponseSchema } from "../wire/gen/etcd/rpc_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import type { QueryReply, Unavailable } from "./replica-api.ts";
import { unavailable } from "./replies.ts";

interface Waiter {
  readonly to: NodeId;
  readonly expiresAt: number;
  readonly done: (reply: QueryReply) => void;
}

/** Clients that wait at the same time. */
const WAITERS_MAX = 64;

export class LeadershipTransfer {
  readonly #context: EngineContext;
  #waiters: Waiter[] = [];

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * `done` is called once: with an answer when `target`, a member's id, leads, with badLeaderTransferee if it is no voter,
   * with leaderTransferTimeout if it did not take over in time.
   */
  move(now: number, target: bigint, timeoutMs: number, done: (reply: QueryReply) => void): void {
    const context = this.#context;
    const to: NodeId = target.toString(16).padStart(16, "0");
    const refuse = (reason: Unavailable["reason"], message: string) =>
      done(unavailable(reason, message, context.header()));
    if (context.stopped !== null) {
      refuse("stopped", context.stopped);
      return;
    }
    if (this.#waiters.length >= WAITERS_MAX) {
      refuse("overloaded", "too many transfers of leadership are waiting; slow down");
      return;
    }
    context.turn(now, () => {
      const result = context.raft.transferLeadership(now, to);
      if (result === "started") {
        this.#waiters.push({ to, expiresAt: now + timeoutMs, done });
        return;
      }
      context.afterTurn(() => {
        if (result === "already-leader") done(this.#moved());
        else if (result === "not-a-voter") done(this.#rejected("badLeaderTransferee"));
        else refuse("not-leader", `${context.header().member} does not lead`);
      });
    });
  }

  /** Answers those whose transfer has ended one way or the other. Called in every turn. */
  check(now: number): void {
    if (this.#waiters.length === 0) return;
    const { core, isLeader } = this.#context.raft;
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const isOver = now >= waiter.expiresAt || (isLeader && core.transferee !== waiter.to);
      if (core.leader === waiter.to) this.#answer(waiter, () => this.#moved());
      else if (isOver) this.#answer(waiter, () => this.#rejected("leaderTransferTimeout"));
      else waiting.push(waiter);
    }
    this.#waiters = waiting;
  }

  deadline(): number | null {
    return this.#waiters.length === 0 ? null : Math.min(...this.#waiters.map(({ expiresAt }) => expiresAt));
  }

  #answer({ done }: Waiter, reply: () => QueryReply): void {
    this.#context.afterTurn(() => done(reply()));
  }

  #moved(): QueryReply {
    const response = toBinary(MoveLeaderResponseSchema, create(MoveLeaderResponseSchema));
    return { kind: "answer", header: this.#context.header(), response };
  }

  #rejected(error: "badLeaderTransferee" | "leaderTransferTimeout"): QueryReply {
    return { kind: "rejected", error, header: this.#context.header() };
  }
}
