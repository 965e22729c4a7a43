/**
 * One node of the consensus group, pure and synchronous: inputs are method calls that carry the
 * time, outputs are collected by `takeEffects` (see effects.ts for what the host must do with them).
 * Time is milliseconds of any clock; chance comes from the seed.
 */
import { assert, assertNever } from "../base/assert.ts";
import type { MembershipTarget } from "./configuration.ts";
import { isVoter } from "./configuration.ts";
import { Core } from "./core.ts";
import type { Effects } from "./effects.ts";
import { isSticky, onPreVote, onTimeoutNow, onVote, onVoteResponse, refuseBallot } from "./election.ts";
import {
  answerStaleLeader,
  followLeader,
  installSnapshot,
  onAppend,
  onHeartbeat,
  onSnapshotOffer,
} from "./follower.ts";
import {
  type ConfigurationResult,
  type ProposeResult,
  propose,
  proposeConfiguration,
  tickLeader,
} from "./leader.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";
import {
  onElectionTimeout,
  onProbeFailed,
  onQuiesce,
  onQuiesceResponse,
  onWake,
  resumeSleep,
  rouse,
  wake,
} from "./quiescence.ts";
import { addRead } from "./read-index.ts";
import {
  committing,
  maybeCommit,
  mayStoreLater,
  onAppendResponse,
  onHeartbeatResponse,
  onUnreachable,
  sendCommitNewsWhenDue,
} from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { startTransfer, type TransferResult } from "./transfer.ts";
import type { BootState, ConfigurationAt, LogReader, NodeId, SnapshotPoint } from "./types.ts";

const NOTHING_TO_STORE = { truncateFrom: null, append: [] } as const;

export interface RaftSetup {
  readonly id: NodeId;
  readonly boot: BootState;
  readonly reader: LogReader;
  readonly options: RaftOptions;
  /** Different on every start, or two nodes may draw the same election timeouts for ever. */
  readonly seed: number;
  readonly now: number;
}

export class Raft {
  /** Read by the host, by status pages and by the invariant checks; changed only through methods. */
  readonly core: Core;

  constructor(setup: RaftSetup) {
    const { id, boot, reader, options, seed, now } = setup;
    this.core = new Core(id, boot, reader, options, seed, now);
    const { voters } = this.core.configurations.current;
    if (boot.sleep !== null) {
      resumeSleep(this.core, boot.sleep);
    } else if (voters.length === 1 && voters[0] === id) {
      this.core.electionAt = now;
    } else if (this.core.promotable && boot.term === 0) {
      // Nobody has ever led: there is no leader to wait for, only others to draw apart from.
      this.core.electionAt = now + this.core.random.below(options.electionMs);
    } else {
      this.core.armElection();
    }
  }

  /** Handles one message of `from`. */
  step(now: number, from: NodeId, message: Message): void {
    this.#advance(now);
    const { core } = this;
    rouse(core, from, message);
    if (!this.#settleTerm(from, message)) return;
    switch (message.kind) {
      case "pre-vote":
        onPreVote(core, from, message);
        break;
      case "vote":
        onVote(core, from, message);
        break;
      case "vote-response":
        onVoteResponse(core, from, message);
        break;
      case "append":
        onAppend(core, from, message);
        break;
      case "append-response":
        onAppendResponse(core, from, message);
        break;
      case "heartbeat":
        onHeartbeat(core, from, message);
        break;
      case "heartbeat-response":
        onHeartbeatResponse(core, from, message);
        break;
      case "snapshot":
        onSnapshotOffer(core, from, message);
        break;
      case "timeout-now":
        onTimeoutNow(core);
        break;
      case "quiesce":
        followLeader(core, from);
        onQuiesce(core, from, message);
        break;
      case "quiesce-response":
        onQuiesceResponse(core, from, message);
        break;
      case "wake":
        onWake(core, from);
        break;
      default:
        assertNever(message, "message");
    }
  }

  /** Fires the deadlines that have passed. Early or repeated calls do nothing. */
  tick(now: number): void {
    this.#advance(now);
    const { core } = this;
    if (core.role === "leader") tickLeader(core);
    else if (core.electionAt !== null && core.now >= core.electionAt) onElectionTimeout(core);
  }

  /** When `tick` next has something to do; null: only a message can change anything. */
  deadline(): number | null {
    const { electionAt, heartbeatAt, quorumCheckAt, transferAt, newsAt, repairAt, role, progress } =
      this.core;
    const alone = role === "leader" && progress.size === 0;
    const armed = alone ? [] : [electionAt, heartbeatAt, quorumCheckAt, transferAt, newsAt, repairAt];
    let earliest: number | null = null;
    for (const at of armed) {
      if (at !== null && (earliest === null || at < earliest)) earliest = at;
    }
    return earliest;
  }

  /** Offers a command to the log; the host learns of its commit by index and term. */
  propose(now: number, data: Uint8Array): ProposeResult {
    this.#advance(now);
    return propose(this.core, data);
  }

  /** Starts a change of membership, joint where voters change. Done when `configuration` is simple and committed. */
  proposeConfiguration(now: number, target: MembershipTarget): ConfigurationResult {
    this.#advance(now);
    return proposeConfiguration(this.core, target);
  }

  /** A client wants something: a node that sleeps wakes, and the group with it. */
  wake(now: number): void {
    this.#advance(now);
    wake(this.core);
  }

  /** There is something to do that the log does not show; a leader does not sleep for a while. */
  keepAwake(now: number): void {
    this.#advance(now);
    this.core.activeAt = this.core.now;
  }

  /** Asks for a read index; `id` must be unique over this node's life. Decided through `Effects.reads`. */
  read(now: number, id: number): void {
    this.#advance(now);
    addRead(this.core, id);
  }

  transferLeadership(now: number, to: NodeId): TransferResult {
    this.#advance(now);
    return startTransfer(this.core, to);
  }

  /** The transport gave up on a call to `to`, made at `sentAt`: what it carried may be lost. */
  unreachable(now: number, to: NodeId, sentAt: number): void {
    const { core } = this;
    this.#advance(now);
    // One from before says nothing of the leader that is being probed.
    if (core.isProbing && to === core.leader && sentAt >= core.probedAt) onProbeFailed(core);
    else onUnreachable(core, to);
  }

  /** The host stored everything up to (`index`, `term`) of what it was given. */
  persisted(now: number, index: number, term: number): void {
    this.#advance(now);
    this.core.log.markPersisted(index, term);
    maybeCommit(this.core);
  }

  /** The host applied entries up to `index`. */
  appliedTo(index: number): void {
    const { core } = this;
    assert(index >= core.applied && index <= core.log.commit, `applied ${index} is out of order`);
    core.applied = index;
    core.configurations.applied(index);
  }

  /** Answers `Effects.snapshotsWanted`: the host keeps a session open at `applied` for `to`. */
  offerSnapshot(now: number, to: NodeId, session: string): void {
    this.#advance(now);
    const { core } = this;
    const progress = core.progress.get(to);
    if (core.role !== "leader" || progress?.state !== "snapshot") return;
    const index = core.applied;
    const snapshotTerm = core.log.term(index);
    assert(snapshotTerm !== null, "the applied entry's term is known");
    const { index: configurationIndex, configuration } = core.configurations.at(index);
    progress.snapshotIndex = index;
    const { term, readRound: round } = core;
    core.send(to, {
      kind: "snapshot",
      term,
      index,
      snapshotTerm,
      configuration,
      configurationIndex,
      session,
      round,
    });
  }

  /** The session of `to` failed or expired: look again where its log stands. */
  snapshotFailed(now: number, to: NodeId): void {
    this.#advance(now);
    const progress = this.core.progress.get(to);
    if (progress?.state === "snapshot") progress.becomeProbe();
  }

  /**
   * The host is about to make the pulled content current, in this turn's transaction. False: the log
   * went past it meanwhile, the content must be dropped.
   */
  installSnapshot(now: number, point: SnapshotPoint, configuration: ConfigurationAt): boolean {
    this.#advance(now);
    return installSnapshot(this.core, point, configuration);
  }

  /** The host deletes stored entries up to `index` in this turn's transaction. */
  compactLog(index: number): void {
    assert(index <= this.core.applied, "only applied entries may be compacted");
    this.core.log.compact(index);
  }

  /** What the inputs so far ask for. The host must carry it out before the next input. */
  takeEffects(): Effects {
    const { core } = this;
    if (core.role === "leader" && !core.isAsleep) sendCommitNewsWhenDue(core);
    const changed = core.takeHardStateChanged();
    const slept = core.takeSlept();
    const isLater = !changed && slept === null && core.after.length === 0 && mayStoreLater(core);
    const { truncateFrom, append } = isLater ? NOTHING_TO_STORE : core.log.takeUnstored();
    // Before a new term, or the end of its sleep, is durable, nobody may hear of either, entries included.
    const isHeldBack = changed || slept !== null;
    const commitMoved = core.log.commit !== core.commitReported;
    core.commitReported = core.log.commit;
    const effects: Effects = {
      first: isHeldBack ? [] : core.first,
      truncateFrom,
      append,
      hardState: changed ? { term: core.term, vote: core.vote } : null,
      slept,
      commit: commitMoved ? core.log.commit : null,
      after: isHeldBack ? [...core.first, ...core.after] : core.after,
      reads: core.reads,
      snapshotsWanted: [...core.snapshotsWanted],
      snapshotOffered: core.snapshotOffered,
    };
    core.first = [];
    core.after = [];
    core.reads = [];
    core.snapshotsWanted = new Set();
    core.snapshotOffered = null;
    return effects;
  }

  /**
   * What is committed, with what will be as soon as a leader has stored its own copy, which is asked of the
   * host next: the following commands need not wait for that (`mayStoreLater`).
   */
  get committing(): number {
    return committing(this.core);
  }

  /** True when this node leads and a quorum backs its configuration: the host may take proposals. */
  get isLeader(): boolean {
    return this.core.role === "leader";
  }

  get isLearner(): boolean {
    return !isVoter(this.core.configurations.current, this.core.id);
  }

  #advance(now: number): void {
    this.core.now = Math.max(this.core.now, now);
  }

  /**
   * Term rules, before anything else (5.1). Returns whether the message is still to be handled.
   * Ballots are the exception to "a higher term is adopted": a pre-vote asks about a term nobody has
   * entered, and a node that hears its leader does not let a ballot move it.
   */
  #settleTerm(from: NodeId, message: Message): boolean {
    const { core } = this;
    if (message.term === core.term) return true;
    if (message.term < core.term) {
      this.#answerStale(from, message);
      return false;
    }
    switch (message.kind) {
      case "pre-vote":
        return true;
      case "vote":
        if (!message.transfer && isSticky(core)) {
          refuseBallot(core, from, false);
          return false;
        }
        becomeFollower(core, message.term, null);
        return true;
      case "vote-response":
        if (message.preVote && message.granted) return true;
        becomeFollower(core, message.term, null);
        return false;
      case "append":
      case "heartbeat":
      case "snapshot":
      case "timeout-now":
      case "quiesce":
        becomeFollower(core, message.term, from);
        return true;
      case "wake":
        becomeFollower(core, message.term, null);
        return true;
      case "append-response":
      case "heartbeat-response":
      case "quiesce-response":
        becomeFollower(core, message.term, null);
        return false;
      default:
        return assertNever(message, "message");
    }
  }

  #answerStale(from: NodeId, message: Message): void {
    switch (message.kind) {
      case "pre-vote":
      case "vote":
        refuseBallot(this.core, from, message.kind === "pre-vote");
        break;
      case "append":
      case "heartbeat":
      case "snapshot":
      case "quiesce":
        answerStaleLeader(this.core, from, message.round);
        break;
      case "wake":
        answerStaleLeader(this.core, from, 0);
        break;
      default:
        break;
    }
  }
}
