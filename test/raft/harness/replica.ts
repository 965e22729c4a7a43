/**
 * Hosts one core exactly as src/raft/effects.ts demands, on a disk whose transactions the test may
 * hold back. A message of `first` overtakes only the transaction of its own effects: whatever was
 * written before must be durable first, as behind an output gate.
 */
import { assert, defined } from "../../../src/base/assert.ts";
import type { MembershipTarget } from "../../../src/raft/configuration.ts";
import type { Effects, SnapshotToPull } from "../../../src/raft/effects.ts";
import type { ConfigurationResult, ProposeResult } from "../../../src/raft/leader.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { Raft } from "../../../src/raft/raft.ts";
import type { TransferResult } from "../../../src/raft/transfer.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import { Disk, type DiskState, EMPTY_TRANSACTION, type SnapshotContent, type Transaction } from "./disk.ts";
import type { Body, Frame } from "./frame.ts";

/** What leaves a replica when everything written before it is durable. */
export type Output =
  | { readonly kind: "send"; readonly frame: Frame }
  | { readonly kind: "read"; readonly id: number; readonly index: number | null; readonly applied: number }
  | { readonly kind: "write"; readonly index: number; readonly term: number };

/** How the cluster follows what a replica does. */
export interface ReplicaEvents {
  /** The core gave effects; called before anything is done with them. */
  effects(replica: TestReplica, effects: Effects): void;
  output(replica: TestReplica, output: Output): void;
  /** The end of one step: at most one transaction became durable in it. */
  step(replica: TestReplica): void;
}

interface Gated {
  /** Transactions that must be durable before. */
  readonly barrier: number;
  readonly output: Output;
}

interface Session {
  readonly name: string;
  readonly to: NodeId;
  readonly snapshot: SnapshotContent;
  readonly expiresAt: number;
}

export class TestReplica {
  readonly id: NodeId;
  readonly disk: Disk;
  readonly options: RaftOptions;
  readonly #events: ReplicaEvents;
  raft: Raft | null = null;
  incarnation = 0;
  /** This node's own clock in ms. */
  clock = 0;
  /** While true, transactions stay pending until `flush`. */
  held = false;
  /** Entries applied per turn at most; the rest follows in later turns. */
  applyMax = Number.POSITIVE_INFINITY;
  #applyBudget = 0;
  #gate: Gated[] = [];
  #sessions: Session[] = [];
  #sessionCount = 0;
  #pulling: SnapshotToPull | null = null;
  #readsWaiting: { readonly id: number; readonly index: number }[] = [];
  #proposals = new Map<number, number>();

  constructor(id: NodeId, state: DiskState, options: RaftOptions, events: ReplicaEvents) {
    this.id = id;
    this.disk = new Disk(state);
    this.options = options;
    this.#events = events;
  }

  get running(): Raft {
    return defined(this.raft, `node ${this.id} is down`);
  }

  start(seed: number): void {
    assert(this.raft === null, `node ${this.id} already runs`);
    this.incarnation += 1;
    this.raft = new Raft({
      id: this.id,
      boot: this.disk.boot(),
      reader: this.disk.reader(),
      options: this.options,
      seed,
      now: this.clock,
    });
    this.#turn(() => {});
  }

  /** Everything not durable is lost: memory, pending transactions, and what waited for them. */
  crash(): void {
    this.disk.crash();
    this.raft = null;
    this.#gate = [];
    this.#sessions = [];
    this.#pulling = null;
    this.#readsWaiting = [];
    this.#proposals.clear();
    this.#events.step(this);
  }

  receive({ from, body }: Frame): void {
    if (this.raft === null) return;
    switch (body.kind) {
      case "pull":
        this.#answerPull(from, body.session);
        break;
      case "pulled":
        this.#install(body.session, body.snapshot);
        break;
      default:
        this.#turn((raft) => raft.step(this.clock, from, body));
    }
  }

  tick(): void {
    this.#turn((raft) => {
      this.#expireSessions(raft);
      raft.tick(this.clock);
    });
  }

  /** The earliest moment of this node's clock at which `tick` has something to do. */
  deadline(): number | null {
    if (this.raft === null) return null;
    const deadlines = this.#sessions.map((session) => session.expiresAt);
    const own = this.raft.deadline();
    if (own !== null) deadlines.push(own);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  propose(data: Uint8Array): ProposeResult {
    return this.#turn((raft) => {
      const result = raft.propose(this.clock, data);
      if (result.kind === "accepted") this.#proposals.set(result.index, result.term);
      return result;
    });
  }

  proposeConfiguration(target: MembershipTarget): ConfigurationResult {
    return this.#turn((raft) => raft.proposeConfiguration(this.clock, target));
  }

  read(id: number): void {
    this.#turn((raft) => raft.read(this.clock, id));
  }

  transfer(to: NodeId): TransferResult {
    return this.#turn((raft) => raft.transferLeadership(this.clock, to));
  }

  wake(): void {
    this.#turn((raft) => raft.wake(this.clock));
  }

  /** A call to `to`, made so long ago, failed. */
  unreachable(to: NodeId, agoMs = 0): void {
    this.#turn((raft) => raft.unreachable(this.clock, to, this.clock - agoMs));
  }

  /** The host gives up on a snapshot under way. */
  snapshotFailed(to: NodeId): void {
    this.#sessions = this.#sessions.filter((session) => session.to !== to);
    this.#turn((raft) => raft.snapshotFailed(this.clock, to));
  }

  /** Deletes applied entries up to `index`. */
  compact(index: number): void {
    const upTo = Math.min(index, this.disk.written.applied);
    this.#turn((raft) => {
      raft.compactLog(upTo);
      this.#write({ ...EMPTY_TRANSACTION, compactTo: upTo });
    });
  }

  /** Applies what an earlier turn left over. */
  applyMore(): void {
    this.#turn(() => {
      this.#write(EMPTY_TRANSACTION);
    });
  }

  /** Makes the oldest pending transaction durable and lets out what waited for it. */
  flushOne(): void {
    if (this.disk.pendingCount === 0) return;
    this.disk.flushOne();
    this.#release();
    this.#events.step(this);
  }

  flush(): void {
    while (this.disk.pendingCount > 0) this.flushOne();
  }

  /** True when nothing is being pulled, offered, written or held. */
  get idle(): boolean {
    return this.#sessions.length === 0 && this.disk.pendingCount === 0 && this.#gate.length === 0;
  }

  /** One turn of effects.ts: the input, then effects until nothing comes out. */
  #turn<T>(input: (raft: Raft) => T): T {
    const raft = this.running;
    this.#applyBudget = this.applyMax;
    const result = input(raft);
    while (this.#carryOut(raft, raft.takeEffects())) {
      // Storing and applying may have brought more.
    }
    return result;
  }

  /** Returns whether there was anything to do. */
  #carryOut(raft: Raft, effects: Effects): boolean {
    this.#events.effects(this, effects);
    for (const { to, message } of effects.first)
      this.#pass({ kind: "send", frame: this.#frame(to, message) });
    const written = this.#write({
      ...EMPTY_TRANSACTION,
      hardState: effects.hardState,
      slept: effects.slept,
      truncateFrom: effects.truncateFrom,
      append: effects.append,
      commit: effects.commit,
    });
    for (const { to, message } of effects.after)
      this.#pass({ kind: "send", frame: this.#frame(to, message) });
    for (const { id, index } of effects.reads) {
      if (index === null) this.#pass({ kind: "read", id, index, applied: 0 });
      else this.#readsWaiting.push({ id, index });
    }
    this.#answerReads();
    for (const to of effects.snapshotsWanted) this.#openSession(raft, to);
    if (effects.snapshotOffered !== null) this.#startPull(effects.snapshotOffered);
    this.#settle();
    const last = effects.append.at(-1);
    if (last !== undefined) raft.persisted(this.clock, last.index, last.term);
    return (
      written ||
      effects.first.length + effects.after.length + effects.reads.length > 0 ||
      effects.snapshotsWanted.length > 0
    );
  }

  /** Writes, applies what is committed, and answers the writes that this settles. */
  #write(transaction: Transaction): boolean {
    const { commit, applied } = this.disk.written;
    const committed = transaction.install?.point.index ?? transaction.commit ?? commit;
    const from = transaction.install?.point.index ?? applied;
    const applyTo = Math.min(committed, from + this.#applyBudget);
    const whole = { ...transaction, applyTo: applyTo > from ? applyTo : null };
    if (isEmpty(whole)) return false;
    this.disk.write(whole);
    if (applyTo > from) {
      this.#applyBudget -= applyTo - from;
      this.running.appliedTo(applyTo);
      this.#answerWrites(from, applyTo);
    }
    return true;
  }

  #answerWrites(after: number, upTo: number): void {
    for (let index = after + 1; index <= upTo; index += 1) {
      const term = this.#proposals.get(index);
      this.#proposals.delete(index);
      if (term !== undefined && this.disk.written.termAt(index) === term) {
        this.#pass({ kind: "write", index, term });
      }
    }
  }

  #answerReads(): void {
    const { applied } = this.disk.written;
    const due = this.#readsWaiting.filter((read) => read.index <= applied);
    this.#readsWaiting = this.#readsWaiting.filter((read) => read.index > applied);
    for (const { id, index } of due) this.#pass({ kind: "read", id, index, applied });
  }

  /** Lets `output` out once everything written so far is durable. */
  #pass(output: Output): void {
    this.#gate.push({ barrier: this.disk.writtenCount, output });
  }

  #frame(to: NodeId, body: Body): Frame {
    return { from: this.id, to, body };
  }

  #settle(): void {
    // What leaves first leaves even if the write that follows it never becomes durable.
    this.#release();
    this.#events.step(this);
    if (!this.held) this.flush();
  }

  #release(): void {
    while (this.#gate.length > 0) {
      const next = defined(this.#gate[0], "the gate is not empty");
      if (next.barrier > this.disk.durableCount) return;
      this.#gate = this.#gate.slice(1);
      this.#events.output(this, next.output);
    }
  }

  #openSession(raft: Raft, to: NodeId): void {
    this.#sessionCount += 1;
    const name = `${this.id}.${this.incarnation}.${this.#sessionCount}`;
    const { applied, content } = this.disk.written;
    const snapshot: SnapshotContent = {
      point: { index: applied, term: this.disk.written.termAt(applied) },
      configuration: defined(this.disk.written.configurations()[0], "a configuration is in force at applied"),
      content,
    };
    assert(raft.core.applied === applied, "core and host have applied the same");
    this.#sessions = this.#sessions.filter((session) => session.to !== to);
    this.#sessions.push({ name, to, snapshot, expiresAt: this.clock + 2 * this.options.electionMs });
    raft.offerSnapshot(this.clock, to, name);
  }

  #expireSessions(raft: Raft): void {
    const expired = this.#sessions.filter((session) => session.expiresAt <= this.clock);
    if (expired.length === 0) return;
    this.#sessions = this.#sessions.filter((session) => session.expiresAt > this.clock);
    for (const { to } of expired) raft.snapshotFailed(this.clock, to);
  }

  #startPull(offer: SnapshotToPull): void {
    this.#pulling = offer;
    this.#pass({ kind: "send", frame: this.#frame(offer.from, { kind: "pull", session: offer.session }) });
  }

  #answerPull(from: NodeId, name: string): void {
    const session = this.#sessions.find((open) => open.name === name && open.to === from);
    const snapshot = session?.snapshot ?? null;
    this.#pass({ kind: "send", frame: this.#frame(from, { kind: "pulled", session: name, snapshot }) });
    this.#settle();
  }

  #install(session: string, snapshot: SnapshotContent | null): void {
    const offer = this.#pulling;
    if (offer === null || offer.session !== session) return;
    this.#pulling = null;
    if (snapshot === null) return;
    this.#turn((raft) => {
      if (!raft.installSnapshot(this.clock, snapshot.point, snapshot.configuration)) return;
      this.#write({ ...EMPTY_TRANSACTION, install: snapshot });
    });
  }
}

function isEmpty(transaction: Transaction): boolean {
  const { hardState, slept, truncateFrom, append, commit, applyTo, compactTo, install } = transaction;
  if (hardState !== null || slept !== null || truncateFrom !== null || append.length > 0) return false;
  return commit === null && applyTo === null && compactTo === null && install === null;
}
