/** Clients' writes: into the queue of the leader, or on to whoever leads. */
import { LIMITS } from "../base/limits.ts";
import type { ClientReads } from "./client-reads.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Proposals } from "./proposals.ts";
import type { ProposeReply, ProposeRequest, ReplicaHeader } from "./replica-api.ts";
import { proposeReply, unavailable } from "./replies.ts";
import { stampSeen } from "./stamp.ts";

export class ClientWrites {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #reads: ClientReads;
  #failures = 0;

  constructor(context: EngineContext, proposals: Proposals, reads: ClientReads) {
    this.#context = context;
    this.#proposals = proposals;
    this.#reads = reads;
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
    const { stopped, raft } = this.#context;
    if (stopped !== null) {
      done(unavailable("stopped", stopped, header));
      return;
    }
    if (request.command.length > LIMITS.receiveBytesMax) {
      done({ kind: "rejected", error: "requestTooLarge", header });
      return;
    }
    const command = stampSeen(request.command, header.sequence);
    if (command === null) {
      done(
        unavailable("stopped", "the command cannot be read: gateway and replica differ in version", header),
      );
    } else if (raft.isLeader) {
      this.#proposeUnlessRefused(now, { ...request, command }, done);
    } else {
      this.#forward({ ...request, command }, header, done);
    }
  }

  /**
   * What an alarm refuses need not fill the log, of which a full database is made. It is refused once a
   * quorum has confirmed that this replica leads, so that no alarm that was disarmed before refuses.
   */
  #proposeUnlessRefused(now: number, request: ProposeRequest, done: (reply: ProposeReply) => void): void {
    const { machine } = this.#context;
    const { command, timeoutMs, throughLog } = request;
    if (throughLog === true || machine.refusal(command) === null) {
      this.#proposeHere(now, command, now + timeoutMs, done);
      return;
    }
    const call = { consistency: "leader", minRevision: 0, timeoutMs } as const;
    this.#reads.read<ProposeReply>(now, call, done, (header) => {
      const error = machine.refusal(command);
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
    if (accepted) context.turn(now, () => undefined);
    else done(unavailable("overloaded", "too many writes are waiting; slow down", context.header()));
  }

  #forward(request: ProposeRequest, header: ReplicaHeader, done: (reply: ProposeReply) => void): void {
    const context = this.#context;
    const { leader } = context.raft.core;
    if (leader === null) {
      done(unavailable("no-leader", `${header.member} knows no leader; an election is due`, header));
    } else if (!request.mayForward) {
      done(unavailable("not-leader", `${header.member} does not lead; ask ${header.leader}`, header));
    } else {
      context.sender.propose(leader, { ...request, mayForward: false }, (_now, reply) => {
        const silence = `the leader ${header.leader} did not answer in time`;
        done(reply ?? unavailable("timeout", silence, context.header(), true));
      });
    }
  }
}
