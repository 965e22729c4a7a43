/**
 * One replica without its platform: clients' operations, peers' messages and time go in as method
 * calls that carry `now`; answers come back through callbacks, once what they promise is durable.
 * Synchronous and deterministic: the simulator runs this very class.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { assert } from "../base/assert.ts";
import { err } from "../base/result.ts";
import { needsOfQuery, needsOfTxn } from "../mvcc/auth/visitor.ts";
import type { SnapshotToPull } from "../raft/effects.ts";
import type { Message, Outgoing } from "../raft/message.ts";
import type { RaftOptions } from "../raft/options.ts";
import { Raft } from "../raft/raft.ts";
import type { NodeId } from "../raft/types.ts";
import { TxnRequestSchema } from "../wire/gen/etcd/rpc_pb.ts";
import { Access } from "./access.ts";
import { ClientReads } from "./client-reads.ts";
import { ClientWrites } from "./client-writes.ts";
import { earliest } from "./earliest.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Identity } from "./identity.ts";
import { LeaseQueries, leaseRequestOf } from "./lease-queries.ts";
import { Lessor } from "./lessor.ts";
import type { MachineHost } from "./machine-host.ts";
import { Maintenance, type MaintenanceOptions } from "./maintenance.ts";
import { alarmName } from "./maintenance-queries.ts";
import { MemberChanges } from "./member-changes.ts";
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PeerRefusal,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "./peer-api.ts";
import { groupByReceiver, Peers } from "./peers.ts";
import type { PeerSender, ReplicaStorage, StoredReplica } from "./ports.ts";
import { Proposals } from "./proposals.ts";
import { answerQuery, decodeQuery } from "./queries.ts";
import { rangeRead } from "./range-read.ts";
import type {
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  ReplicaHeader,
  StatusReply,
  WatchCall,
  WatchReply,
} from "./replica-api.ts";
import { replicaHeader } from "./replica-header.ts";
import { queryReply, readTxnReply } from "./replies.ts";
import type { Roster } from "./roster.ts";
import { SnapshotSink } from "./snapshot-sink.ts";
import { SnapshotSource } from "./snapshot-source.ts";
import { Standing } from "./standing.ts";
import { statusReply } from "./status.ts";
import { hasBacklog, runTurn, type TurnParts } from "./turn.ts";
import { WatchCalls } from "./watch-calls.ts";

export interface EngineOptions {
  readonly raft: RaftOptions;
  /** Applied log entries between two cuts of the log. */
  readonly snapshotEvery: number;
  readonly maintenance: MaintenanceOptions;
}

export interface EngineSetup {
  readonly stored: StoredReplica;
  readonly storage: ReplicaStorage;
  readonly machine: MachineHost;
  readonly sender: PeerSender;
  readonly roster: Roster;
  readonly options: EngineOptions;
  /** Different on every start. */
  readonly seed: number;
  readonly now: number;
  /** Told once when this instance must not go on: an invariant broke, nothing of the turn was kept. */
  readonly halted: (error: unknown) => void;
}

export class Engine {
  readonly #setup: EngineSetup;
  readonly #identity: Identity;
  readonly #machine: MachineHost;
  readonly #raft: Raft;
  readonly #peers: Peers;
  readonly #proposals = new Proposals();
  readonly #context: EngineContext;
  readonly #changes: MemberChanges;
  readonly #standing: Standing;
  readonly #writes: ClientWrites;
  readonly #reads: ClientReads;
  readonly #maintenance: Maintenance;
  readonly #lessor: Lessor;
  readonly #leaseQueries: LeaseQueries;
  readonly #watches: WatchCalls;
  readonly #source: SnapshotSource;
  readonly #sink: SnapshotSink;
  readonly #parts: TurnParts;
  /** Answers to give when the turn's writes are done. */
  #answers: (() => void)[] = [];
  #now: number;
  #inTurn = false;
  #isTogether = false;
  #wasLeader = false;

  constructor(setup: EngineSetup) {
    const { stored, storage, machine, options, seed, now } = setup;
    this.#setup = setup;
    this.#identity = stored.identity;
    this.#machine = machine;
    this.#now = now;
    this.#standing = new Standing(stored);
    this.#raft = new Raft({
      id: stored.identity.memberId,
      boot: stored.boot,
      reader: storage.reader,
      options: options.raft,
      seed,
      now,
    });
    this.#peers = new Peers(stored.identity, setup.roster, stored.peers);
    const context = this.#createContext();
    this.#context = context;
    const access = new Access(context, this.#proposals);
    this.#reads = new ClientReads(context, access);
    this.#changes = new MemberChanges(context, this.#proposals);
    this.#writes = new ClientWrites(context, this.#proposals, this.#reads, this.#changes, access);
    this.#maintenance = new Maintenance(context, this.#proposals, options.maintenance);
    this.#lessor = new Lessor(context, this.#proposals, options.raft.electionMs, stored);
    this.#leaseQueries = new LeaseQueries(context, this.#reads, this.#lessor);
    this.#watches = new WatchCalls(context, this.#reads, access);
    // A follower that pulls at all pulls much more often than this.
    this.#source = new SnapshotSource(machine, 10 * options.raft.electionMs);
    this.#sink = new SnapshotSink(
      {
        storage,
        machine,
        raft: this.#raft,
        peers: this.#peers,
        sender: setup.sender,
        answered: (handle) => (later, answer) => this.#turn(later, noInput, () => handle(later, answer)),
        installed: (index) => this.#proposals.snapshotInstalled(index),
        retryMs: options.raft.heartbeatMs,
      },
      stored.staging,
      now,
    );
    this.#parts = {
      raft: this.#raft,
      storage,
      machine,
      proposals: this.#proposals,
      peers: this.#peers,
      snapshotEvery: options.snapshotEvery,
      pinnedIndex: () => this.#source.oldestIndex,
      applied: () => this.#watches.applied(),
      changeMembers: (at) => this.#changes.advance(at),
      send: (outgoing) => this.#dispatch(groupByReceiver(outgoing)),
      readDecided: (decision) => this.#reads.decided(decision),
      snapshotWanted: (to) => this.#openSession(to),
      snapshotOffered: (offer) => this.#pullOffered(offer),
    };
  }

  /** The core, for status pages and invariant checks. */
  get raft(): Raft {
    return this.#raft;
  }

  /** Why this instance serves nothing; null while it is well. */
  get stopped(): string | null {
    return this.#standing.stopped;
  }

  header(): ReplicaHeader {
    const { roster } = this.#setup;
    return replicaHeader(this.#identity, this.#machine, this.#raft, roster, this.#standing);
  }

  status(now: number): StatusReply {
    this.#now = Math.max(this.#now, now);
    return statusReply({
      raft: this.#raft,
      header: this.header(),
      nameOf: (id) => this.#setup.roster.nameOf(id),
      members: this.#setup.roster.members,
      databaseBytes: this.#setup.storage.databaseBytes(),
      stopped: this.stopped,
      counters: {
        leaderChanges: this.#maintenance.leaderChanges,
        proposalsPending: this.#proposals.count,
        proposalsFailed: this.#writes.failures,
        readsPending: this.#reads.count,
        compactRevision: this.#machine.state().compactRevision,
        alarms: this.#machine.alarms.list().map(({ alarm }) => alarmName(alarm)),
      },
    });
  }

  /** Clients' calls that came together share one turn: none of them may throw. */
  together(now: number, calls: () => void): void {
    this.#turn(now, () => {
      this.#isTogether = true;
      calls();
      this.#isTogether = false;
    });
  }

  /** A client's write. `done` is called once, within `request.timeoutMs` if `tick` is called on time. */
  propose(now: number, request: ProposeRequest, done: (reply: ProposeReply) => void): void {
    this.#writes.propose(now, request, done);
  }

  /** A client's read. */
  range(now: number, call: RangeCall, done: (reply: RangeReply) => void): void {
    const read = rangeRead(call);
    this.#reads.read<RangeReply>(now, call, read.needs, done, (header) => read.answer(this.#machine, header));
  }

  /** A client's transaction that only reads. */
  readTxn(now: number, call: ReadCall, done: (reply: ReadTxnReply) => void): void {
    const request = fromBinary(TxnRequestSchema, call.request);
    const needs = () => needsOfTxn(request);
    this.#reads.read<ReadTxnReply>(now, call, needs, done, (header) =>
      readTxnReply(this.#machine.readTxn(request), header),
    );
  }

  /** A client's read of what is not a key. */
  query(now: number, call: ReadCall, done: (reply: QueryReply) => void): void {
    const query = decodeQuery(call.request);
    if (query === null) {
      done(queryReply(err("invalidCommand"), this.header()));
      return;
    }
    const needs = () => needsOfQuery(query);
    const { request } = query;
    if (request.case === "moveLeader") {
      const { transfer } = this.#maintenance;
      this.#reads.allow(now, call, needs, done, () =>
        transfer.move(this.#now, request.value.targetID, call.timeoutMs, done),
      );
      return;
    }
    const leaseRequest = leaseRequestOf(query);
    if (leaseRequest !== null) {
      this.#leaseQueries.answer(now, leaseRequest, call, needs, done);
      return;
    }
    this.#reads.read<QueryReply>(now, call, needs, done, (header) =>
      queryReply(answerQuery(query, this.#context, this.#maintenance.backups), header),
    );
  }

  /** Whoever watches asks for changes from a position on. */
  watch(now: number, call: WatchCall, done: (reply: WatchReply) => void): void {
    this.#watches.watch(now, call, done);
  }

  /** A peer's messages; the answer may leave once this turn's writes are durable. */
  receive(now: number, { address, messages }: PeerEnvelope): PeerAnswer {
    const refusal = this.#refusal(now, address);
    if (refusal !== null) return refusal;
    const back: Message[] = [];
    this.#turn(
      now,
      () => {
        for (const message of messages) this.#raft.step(now, address.from, message);
      },
      null,
      { to: address.from, back },
    );
    if (this.stopped !== null) return { kind: "refused", reason: "stopped" };
    return { kind: "messages", incarnation: this.#identity.incarnation, messages: back };
  }

  /** A follower wants to answer a linearizable read. */
  readIndex(now: number, address: PeerAddress, done: (answer: ReadIndexAnswer) => void): void {
    const refusal = this.#refusal(now, address);
    if (refusal !== null) {
      done(refusal);
      return;
    }
    this.#reads.readIndex(now, done);
  }

  /** A follower pulls rows of the snapshot it was offered. */
  pull(now: number, request: PullRequest): PullAnswer {
    return this.#refusal(now, request.address) ?? this.#source.pull(now, request);
  }

  clockSetBack(): void {
    this.#reads.clockSetBack();
  }

  /** Fires what is due. Early and repeated calls do nothing. */
  tick(now: number): void {
    this.#proposals.ticked();
    this.#turn(now, () => {
      this.#raft.tick(now);
      this.#reads.ticked();
    });
  }

  /** When `tick` is due next; null: only a call can change anything. `lasting`: of those that last, if known. */
  deadline(lasting = this.lastingDeadline()): number | null {
    if (this.stopped !== null) return null;
    return earliest([this.#watches.deadline(), this.#reads.gatherDeadline(), lasting]);
  }

  /** The same for what outlives the memory: those who wait for changes do not. */
  lastingDeadline(): number | null {
    if (this.stopped !== null) return null;
    if (hasBacklog(this.#parts) || this.#machine.hasHousekeeping()) return this.#now;
    return earliest([
      this.#raft.deadline(),
      this.#proposals.deadline(),
      this.#changes.deadline(),
      this.#mayPropose
        ? this.#proposals.batchDeadline(this.#raft.core.log.commit, this.#raft.core.term)
        : null,
      this.#reads.deadline(),
      this.#lessor.deadline(),
      this.#source.deadline(),
      this.#sink.deadline(),
      this.#maintenance.deadline(),
    ]);
  }

  /** True while a peer has reason to expect messages soon; used to choose how finely to keep time. */
  get isBusy(): boolean {
    return !this.#proposals.isIdle || this.#reads.count > 0 || this.#sink.isActive;
  }

  /** While leadership is handed over nothing is proposed, however long it waits. */
  get #mayPropose(): boolean {
    return this.#raft.isLeader && this.#raft.core.transferee === null;
  }

  #createContext(): EngineContext {
    const engine = this;
    const { storage, sender, roster } = this.#setup;
    return {
      raft: this.#raft,
      machine: this.#machine,
      storage,
      peers: this.#peers,
      sender,
      roster,
      get now() {
        return engine.#now;
      },
      get stopped() {
        return engine.stopped;
      },
      header: () => this.header(),
      turn: (now, input, inside) => (this.#isTogether ? input() : this.#turn(now, input, inside ?? null)),
      afterTurn: (answer) => this.#answers.push(answer),
      answerAt: (now, answer) => {
        this.#now = Math.max(this.#now, now);
        this.#answers.push(answer);
        if (!this.#inTurn) this.#giveAnswers();
      },
    };
  }

  #openSession(to: NodeId): void {
    const session = this.#source.open(this.#now, to, this.#raft.core.applied, this.#identity.incarnation);
    if (session === null) this.#raft.snapshotFailed(this.#now, to);
    else this.#raft.offerSnapshot(this.#now, to, session);
  }

  #pullOffered(offer: SnapshotToPull): void {
    this.#sink.offered(this.#now, offer);
  }

  #refusal(now: number, address: PeerAddress): PeerRefusal | null {
    return this.#standing.refusal(now, address, this.#context, this.#changes);
  }

  /** Sends to each peer what the turn has for it, in one call. */
  #dispatch(groups: ReadonlyMap<NodeId, readonly Message[]>): void {
    for (const [to, messages] of groups) {
      const envelope: PeerEnvelope = { address: this.#peers.addressTo(to), messages };
      const sentAt = this.#now;
      this.#setup.sender.deliver(envelope, (now, answer) => this.#delivered(now, envelope, sentAt, answer));
    }
  }

  #delivered(now: number, envelope: PeerEnvelope, sentAt: number, answer: PeerAnswer | null): void {
    const { address, messages } = envelope;
    if (this.stopped !== null || this.#standing.ended(now, answer, this.#context)) return;
    const heard = answer?.kind === "messages" && this.#peers.recognises(address.to, answer.incarnation);
    this.#turn(now, () => {
      if (heard) {
        for (const message of answer.messages) this.#raft.step(now, address.to, message);
        return;
      }
      this.#raft.unreachable(now, address.to, sentAt);
      if (messages.some((message) => message.kind === "snapshot")) {
        this.#source.closeFor(address.to);
        this.#raft.snapshotFailed(now, address.to);
      }
    });
  }

  /**
   * Feeds `input` to the core and carries out what follows. `replyTo` collects the messages for the
   * peer whose call this is.
   */
  #turn(
    now: number,
    input: () => void,
    inside: (() => void) | null = null,
    replyTo: { readonly to: NodeId; readonly back: Message[] } | null = null,
  ): void {
    if (this.stopped !== null) return;
    assert(!this.#inTurn, "turns do not nest");
    this.#inTurn = true;
    this.#now = Math.max(this.#now, now);
    try {
      input();
      this.#expire();
      const groups = groupByReceiver(this.#runConsequences(inside));
      if (replyTo !== null) {
        replyTo.back.push(...(groups.get(replyTo.to) ?? []));
        groups.delete(replyTo.to);
      }
      this.#dispatch(groups);
    } catch (error) {
      // Nothing of this turn is durable: what it would have answered must not be told.
      this.#halt(error);
    } finally {
      this.#inTurn = false;
    }
    this.#giveAnswers();
    this.#standing.check(this.#now, this.#context, this.#changes, this.isBusy);
  }

  #runConsequences(inside: (() => void) | null): readonly Outgoing[] {
    const after = runTurn(this.#parts, this.#now, inside);
    const { core } = this.#raft;
    if (this.#wasLeader && !this.#raft.isLeader) {
      this.#proposals.leadershipLost();
      this.#source.closeAll();
    }
    this.#wasLeader = this.#raft.isLeader;
    this.#changes.settle();
    this.#watches.leaderIs(core.leader);
    this.#writes.leaderIs(core.leader);
    this.#lessor.applied(this.#now);
    this.#reads.applied(core.applied, this.#machine.state().revision);
    this.#sink.tick(this.#now);
    this.#maintenance.check(this.#now);
    return after;
  }

  #expire(): void {
    this.#proposals.expire(this.#now);
    this.#changes.expire(this.#now);
    this.#reads.advance(this.#now);
    this.#lessor.expire(this.#now);
    this.#watches.expire(this.#now);
    for (const to of this.#source.expire(this.#now)) this.#raft.snapshotFailed(this.#now, to);
  }

  /** Outside the turn: whoever is answered may call again at once. */
  #giveAnswers(): void {
    while (this.#answers.length > 0) {
      const answers = this.#answers;
      this.#answers = [];
      try {
        for (const answer of answers) answer();
      } catch (error) {
        // A read answers from storage, which refuses an instance that was superseded.
        this.#halt(error);
      }
    }
  }

  /** Whoever still waits for an answer learns from the platform that the instance is gone. */
  #halt(error: unknown): void {
    this.#answers = [];
    this.#standing.break();
    this.#setup.halted(error);
  }
}

function noInput(): void {}
