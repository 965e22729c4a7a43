/**
 * Changes of members, by the leader. The records say who shall be a member; the leader makes the
 * configuration of the core follow them, one change at a time, whoever asked for it and in whichever
 * term. A new voter learns first: it counts when it has caught up.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import {
  changeMembers,
  effectiveMembership,
  isMemberRequest,
  type MemberRequest,
} from "../mvcc/member/member-change.ts";
import type { MemberInfo, Membership } from "../mvcc/member/membership.ts";
import { toRecord } from "../mvcc/member/membership.ts";
import { peerUrl } from "../mvcc/member/peer-url.ts";
import { allMembers, isJoint, isVoter, type MembershipTarget } from "../raft/configuration.ts";
import type { NodeId } from "../raft/types.ts";
import { decodeCommand } from "../wire/batch.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { type Command, CommandSchema, MemberRecordSchema } from "../wire/gen/edged_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import { MemberHealth } from "./member-health.ts";
import type { ProposalFate, Proposals } from "./proposals.ts";
import type { ProposeReply, ProposeRequest } from "./replica-api.ts";
import { proposeReply, unavailable } from "./replies.ts";

type Done = (reply: ProposeReply) => void;

interface Waiting {
  readonly expiresAt: number;
  readonly command: Command;
  readonly mayRefuse: boolean;
  readonly done: Done;
}

interface Settling {
  readonly expiresAt: number;
  readonly fate: ProposalFate;
  readonly done: Done;
}

export class MemberChanges {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #health: MemberHealth;
  /** Changes that wait for another one to end. */
  #waiting: Waiting[] = [];
  /** Changes that are on record, and wait for the configuration to follow. */
  #settling: Settling[] = [];
  /** Changes on their way into the records. */
  #inFlight = 0;
  /** Members of whose start the log is being told. */
  readonly #announced = new Set<NodeId>();

  constructor(context: EngineContext, proposals: Proposals) {
    this.#context = context;
    this.#proposals = proposals;
    this.#health = new MemberHealth(context.raft.core);
  }

  /** A client's change, of whom `isMemberCommand` says so. To be asked of a leader. */
  propose(now: number, bytes: Uint8Array, request: ProposeRequest, done: Done): void {
    const command = decodeCommand(bytes);
    const expiresAt = now + request.timeoutMs;
    if (this.#waiting.length >= LIMITS.memberChangesWaitingMax) {
      const message = "too many changes of members are waiting; slow down";
      done(unavailable("overloaded", message, this.#context.header()));
      return;
    }
    this.#waiting.push({ expiresAt, command, mayRefuse: request.throughLog !== true, done });
    this.#context.turn(now, () => this.#context.raft.wake(now));
  }

  /** Before batches are proposed: takes the next step that can be taken. */
  advance(now: number): void {
    const { raft } = this.#context;
    if (!raft.isLeader || raft.core.transferee !== null) return;
    this.#health.note(now);
    const target = this.#nextTarget();
    if (target !== null) raft.proposeConfiguration(now, target);
    this.#announceStarted(now);
    if (target === null && this.#isQuiet()) this.#admitNext(now);
  }

  /** After a turn: tells those whose change is complete. */
  settle(): void {
    const { raft } = this.#context;
    if (!raft.isLeader) this.#leadershipLost();
    if (this.#settling.length === 0 || !this.#isSettled()) return;
    const settled = this.#settling;
    this.#settling = [];
    for (const { fate, done } of settled) this.#answer(done, fate);
  }

  expire(now: number): void {
    for (const { expiresAt, done } of this.#waiting) {
      if (expiresAt > now) continue;
      this.#refuse(done, "timeout", "another change of members is under way; nothing was changed", false);
    }
    this.#waiting = this.#waiting.filter(({ expiresAt }) => expiresAt > now);
    for (const { expiresAt, done } of this.#settling) {
      if (expiresAt > now) continue;
      this.#refuse(done, "timeout", "the change of members is on record and under way", true);
    }
    this.#settling = this.#settling.filter(({ expiresAt }) => expiresAt > now);
  }

  deadline(): number | null {
    const times = [...this.#waiting, ...this.#settling].map(({ expiresAt }) => expiresAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  /**
   * True once `id` is known to be out for good: the records say so, and so does a configuration that
   * is committed. Before that it may still be needed for a quorum.
   */
  isRemoved(id: NodeId): boolean {
    const { roster, raft } = this.#context;
    if (!roster.membership.removed.includes(id)) return false;
    const { core } = raft;
    const possible = core.configurations.from(core.applied);
    return possible.every(({ configuration }) => !allMembers(configuration).includes(id));
  }

  /** What the records ask for and the configuration has not: null for nothing, or nothing yet. */
  #nextTarget(): MembershipTarget | null {
    const { roster, raft } = this.#context;
    const { membership } = roster;
    const { core } = raft;
    const { index, configuration } = core.configurations.latest;
    // What is applied must be at least what the configuration was made from.
    if (membership.version === 0 || index > core.applied || isJoint(configuration)) return null;
    if (core.log.commit < core.termStartIndex) return null;
    const voters: NodeId[] = [];
    const learners: NodeId[] = [];
    for (const { id, isLearner } of membership.members) {
      const counts = !isLearner && (isVoter(configuration, id) || this.#health.isCaughtUp(id));
      (counts ? voters : learners).push(id);
    }
    if (same(voters, configuration.voters) && same(learners, configuration.learners)) return null;
    return this.#health.isActiveQuorum(voters) ? { voters, learners } : null;
  }

  #isSettled(): boolean {
    const { roster, raft } = this.#context;
    const { membership } = roster;
    const { core } = raft;
    const { index, configuration } = core.configurations.latest;
    if (membership.version === 0) return true;
    if (index > core.log.commit || isJoint(configuration)) return false;
    const voters = membership.members.filter(({ isLearner }) => !isLearner).map(({ id }) => id);
    const learners = membership.members.filter(({ isLearner }) => isLearner).map(({ id }) => id);
    return same(voters, configuration.voters) && same(learners, configuration.learners);
  }

  /** No change is on its way but that of new voters that still learn. */
  #isQuiet(): boolean {
    const { core } = this.#context.raft;
    const { index, configuration } = core.configurations.latest;
    const current = core.log.commit >= core.termStartIndex && core.applied >= core.termStartIndex;
    return this.#inFlight === 0 && current && index <= core.applied && !isJoint(configuration);
  }

  #admitNext(now: number): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const { command, done, expiresAt, mayRefuse } = next;
    const { roster } = this.#context;
    if (roster.membership.version === 0) command.founders = this.#founders().map(toRecord);
    const { request } = command;
    const error = isMemberRequest(request) ? this.#liveRefusal(command, request) : null;
    if (error !== null && this.#health.isJustAwake()) {
      // Who has had no time to answer is not silent yet.
      this.#waiting.unshift(next);
      return;
    }
    if (error !== null && mayRefuse) {
      const header = this.#context.header();
      this.#context.afterTurn(() => done({ kind: "rejected", error, header }));
      return;
    }
    if (error !== null) {
      this.#refuse(done, "no-leader", "the change cannot be made now; an earlier attempt may be", true);
      return;
    }
    this.#inFlight += 1;
    const accepted = this.#proposals.add(now, toBinary(CommandSchema, command), expiresAt, (fate) => {
      this.#inFlight -= 1;
      if (fate.kind === "outcome" && fate.outcome.kind === "applied") {
        this.#settling.push({ expiresAt, fate, done });
      } else {
        this.#answer(done, fate);
      }
    });
    if (accepted) return;
    this.#inFlight -= 1;
    this.#refuse(done, "overloaded", "too many writes are waiting; slow down", false);
  }

  /** Why a change that the records allow is not made now: it would lose the quorum, or its member lags. */
  #liveRefusal(command: Command, request: MemberRequest): ErrorKey | null {
    const before = effectiveMembership(this.#context.roster.membership, command);
    const change = changeMembers(before, request, 0);
    // Refused by the records: they also know whether this is the second attempt of one that was made.
    if (!change.ok) return null;
    const { next, member } = change.value;
    switch (request.case) {
      case "memberPromote":
        return this.#health.isSteady(member.id) ? this.#quorumRefusal(next) : "learnerNotReady";
      case "memberRemove":
        return this.#quorumRefusal(next);
      default:
        return null;
    }
  }

  #quorumRefusal(next: Membership): ErrorKey | null {
    const { configuration } = this.#context.raft.core.configurations.latest;
    const counted = next.members.filter(
      ({ id, isLearner }) => !isLearner && (isVoter(configuration, id) || this.#health.isCaughtUp(id)),
    );
    if (counted.length === 0) return "memberNotEnoughStarted";
    return this.#health.isActiveQuorum(counted.map(({ id }) => id)) ? null : "unhealthy";
  }

  /** Members that keep up are listed with their names from then on. */
  #announceStarted(now: number): void {
    const { roster, raft, machine } = this.#context;
    // It would be refused, and told again at once.
    if (machine.isRestoring) return;
    for (const { id, isStarted, isLearner } of roster.membership.members) {
      if (isStarted || this.#announced.has(id)) continue;
      // Clients are sent to a voter from then on, to a learner never: that is told when it has proved itself.
      const keepsUp = isLearner ? this.#health.isSteady(id) : this.#health.isCaughtUp(id);
      if (!keepsUp) continue;
      const record = create(MemberRecordSchema, { id: BigInt(`0x${id}`) });
      const command = create(CommandSchema, {
        internal: true,
        request: { case: "memberStarted", value: record },
      });
      const expiresAt = now + raft.core.options.electionMs;
      const forget = (): boolean => this.#announced.delete(id);
      if (this.#proposals.add(now, toBinary(CommandSchema, command), expiresAt, forget))
        this.#announced.add(id);
    }
  }

  /** The first members, to be put on record with the first change. */
  #founders(): readonly MemberInfo[] {
    const { roster, raft } = this.#context;
    return raft.core.configurations.current.voters.map((id) => {
      const { name, hint, binding } = roster.placeOf(id) ?? { name: id, hint: "enam", binding: "REPLICA" };
      const kept = { id, name, hint, binding, isFounder: true };
      return { ...kept, peerUrls: [peerUrl(name, hint)], isLearner: false, isStarted: true };
    });
  }

  #leadershipLost(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#announced.clear();
    this.#health.forget();
    for (const { done } of waiting) {
      this.#refuse(done, "not-leader", "the leadership was lost before the change was made", false);
    }
    if (this.#isSettled()) return;
    // Whoever leads now carries it on, and can tell.
    const settling = this.#settling;
    this.#settling = [];
    for (const { done } of settling) {
      this.#refuse(done, "not-leader", "the change of members is on record; another leader goes on", true);
    }
  }

  #answer(done: Done, fate: ProposalFate): void {
    this.#context.afterTurn(() => done(proposeReply(fate, this.#context.header())));
  }

  #refuse(
    done: Done,
    reason: "timeout" | "not-leader" | "no-leader" | "overloaded",
    message: string,
    unknownOutcome: boolean,
  ): void {
    this.#context.afterTurn(() => done(unavailable(reason, message, this.#context.header(), unknownOutcome)));
  }
}

function same(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
