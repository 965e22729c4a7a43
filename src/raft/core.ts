/**
 * The state of one node and the few operations that every part of the protocol shares. No rule of
 * the protocol lives here: see roles, election, follower, leader, replication, read-index, transfer.
 */
import { assert } from "../base/assert.ts";
import { Prng } from "../base/prng.ts";
import { allMembers, isVoter } from "./configuration.ts";
import { ConfigurationLog } from "./configuration-log.ts";
import type { ReadDecision, SnapshotToPull } from "./effects.ts";
import { RaftLog } from "./log.ts";
import type { Message, Outgoing } from "./message.ts";
import { assertRaftOptions, type RaftOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { BootState, LogReader, NodeId, Role, Sleep } from "./types.ts";

/** A linearizable read waiting for a quorum to confirm that its leader still leads. */
export interface PendingRead {
  readonly id: number;
  /** Commit index when it arrived; null while the leader has no committed entry of its own term. */
  index: number | null;
  /** Confirmed once a quorum has answered this round or a later one. */
  round: number;
}

export class Core {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly configurations: ConfigurationLog;
  readonly random: Prng;

  /** Never decreases. Changed only by `enterTerm`. */
  #term: number;
  /** Set at most once a term; cleared only together with a new term. */
  #vote: NodeId | null;
  #hardStateChanged = false;

  role: Role = "follower";
  leader: NodeId | null = null;
  /** The latest time ever given; the clock never runs backwards inside the core. */
  now: number;
  /** When the current leader was last heard; stickiness counts from here. Null: no leader heard. */
  leaderHeardAt: number | null = null;
  applied: number;

  /** Deadlines in ms; null: not armed. */
  electionAt: number | null = null;
  heartbeatAt: number | null = null;
  quorumCheckAt: number | null = null;
  transferAt: number | null = null;
  newsAt: number | null = null;
  /** Leader, asleep: when to look for members that were away. */
  repairAt: number | null = null;
  repairMs = 0;

  /** True while nothing is expected to happen (quiescence.ts). */
  isAsleep = false;
  /** Woken, and the leader has not been heard yet: no ballot is granted until that is decided. */
  isProbing = false;
  /** When that began. */
  probedAt = 0;
  /** Where this node's log ended when it last fell asleep behind a leader, and in which term; null: it has not. */
  sleptOver: { readonly index: number; readonly term: number } | null = null;
  /** Leader only: this start found the note of its sleep, and leads on. */
  isResumed = false;
  /** Leader only: who agreed to sleep since the last heartbeat; null while sleep is not proposed. */
  sleepAccepted: Set<NodeId> | null = null;
  /** Leader only: when there was last something to do. */
  activeAt: number;
  #slept: { readonly sleep: Sleep | null } | null = null;

  /** Ballots received in the current campaign. */
  votes = new Map<NodeId, boolean>();
  /** True while this campaign was ordered by the leader. */
  campaignIsTransfer = false;

  /** Leader only: every other member, learners included. */
  progress = new Map<NodeId, Progress>();
  transferee: NodeId | null = null;
  /** Bytes proposed in this term and not yet committed. */
  uncommittedBytes = 0;
  /** Leader only: index of its first entry of this term, before whose commit no read is answered. */
  termStartIndex = 0;
  /** Counts up over the node's life, so that no answer to an older round can confirm a newer one. */
  readRound = 0;
  pendingReads: PendingRead[] = [];

  first: Outgoing[] = [];
  after: Outgoing[] = [];
  reads: ReadDecision[] = [];
  snapshotsWanted = new Set<NodeId>();
  snapshotOffered: SnapshotToPull | null = null;
  commitReported: number;

  constructor(
    id: NodeId,
    boot: BootState,
    reader: LogReader,
    options: RaftOptions,
    seed: number,
    now: number,
  ) {
    assertRaftOptions(options);
    this.id = id;
    this.options = options;
    this.log = new RaftLog(boot, reader, options.logCacheBytesMax);
    this.configurations = new ConfigurationLog(boot.configurations);
    this.random = new Prng(seed);
    this.#term = boot.term;
    this.#vote = boot.vote;
    this.now = now;
    this.activeAt = now;
    this.applied = boot.applied;
    this.commitReported = boot.commit;
  }

  get term(): number {
    return this.#term;
  }

  get vote(): NodeId | null {
    return this.#vote;
  }

  /**
   * True when this node may run in elections: it votes in the configuration in force, or in an earlier
   * one while what removes it is not known to be committed. Without the latter, a node that alone has
   * the entry that removes it could neither win nor let anybody else win (thesis 4.2.2, figure 4.6).
   * Its own vote counts in neither case where the configuration in force does not have it.
   */
  get promotable(): boolean {
    const undecided = this.configurations.from(this.log.commit);
    return undecided.some(({ configuration }) => isVoter(configuration, this.id));
  }

  enterTerm(term: number): void {
    assert(term > this.#term, `term ${term} does not exceed ${this.#term}`);
    this.#term = term;
    this.#vote = null;
    this.#hardStateChanged = true;
  }

  voteFor(id: NodeId): void {
    assert(this.#vote === null || this.#vote === id, `already voted for ${this.#vote} in term ${this.#term}`);
    if (this.#vote === id) return;
    this.#vote = id;
    this.#hardStateChanged = true;
  }

  /** Whether term or vote changed since the last call. */
  takeHardStateChanged(): boolean {
    const changed = this.#hardStateChanged;
    this.#hardStateChanged = false;
    return changed;
  }

  /** All of the log is durable and committed, its end by this very term, in a configuration with this node. */
  get leaderCanResume(): boolean {
    const { log, configurations } = this;
    const isDone = log.commit === log.last && log.persisted === log.last && log.lastTerm === this.#term;
    return isDone && isVoter(configurations.current, this.id);
  }

  sleep(sleep: Sleep): void {
    this.isAsleep = true;
    this.#slept = { sleep };
  }

  leaveSleep(): void {
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.repairAt = null;
    this.#slept = { sleep: null };
  }

  /** What was noted of sleeping since the last call. */
  takeSlept(): { readonly sleep: Sleep | null } | null {
    const slept = this.#slept;
    this.#slept = null;
    return slept;
  }

  otherMembers(): NodeId[] {
    return allMembers(this.configurations.current).filter((id) => id !== this.id);
  }

  /** Queues a message that leaves only when this turn's writes are durable. */
  send(to: NodeId, message: Message): void {
    assert(to !== this.id, "a node does not write to itself");
    this.after.push({ to, message });
  }

  /** Queues an append that may leave before what it carries is stored here: it promises nothing. */
  sendFirst(to: NodeId, message: Message): void {
    assert(message.kind === "append", "only appends may overtake the local write");
    this.first.push({ to, message });
  }

  /** A fresh draw between once and twice the election time, from now. */
  armElection(): void {
    const { electionMs } = this.options;
    this.electionAt = this.promotable ? this.now + electionMs + this.random.below(electionMs) : null;
  }
}
