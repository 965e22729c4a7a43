/**
 * An engine inside its platform: opens the database, turns callbacks into promises, keeps the time.
 * Knows nothing of consensus; what it decides is only whether this object is who it is asked to be.
 */
import type { Sql } from "../base/sql.ts";
import { Engine } from "../engine/engine.ts";
import { type Identity, initialClusterId, initialMemberId } from "../engine/identity.ts";
import { MachineHost } from "../engine/machine-host.ts";
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "../engine/peer-api.ts";
import type { PeerSender, StoredReplica } from "../engine/ports.ts";
import type {
  AskAlone,
  MemberPlace,
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  ReplicaTarget,
  StatusReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../engine/replica-api.ts";
import { unavailable } from "../engine/replies.ts";
import { Roster } from "../engine/roster.ts";
import { simpleConfiguration } from "../raft/configuration.ts";
import { DEFAULT_RAFT_OPTIONS } from "../raft/options.ts";
import { SqlReplicaStorage } from "../storage/replica-storage.ts";
import { type PeerStub, StubSender } from "../transport/peer-sender.ts";
import type { Config } from "./config.ts";
import { boundedRanges, type ServeCall, serveTogether } from "./serve-together.ts";
import { SteadyClock } from "./steady-clock.ts";
import { type AlarmSlot, type MemoryTimer, Timers } from "./timers.ts";

export interface HostParts {
  readonly sql: Sql;
  readonly config: Config;
  readonly connect: (target: ReplicaTarget, place: MemberPlace) => PeerStub | null;
  readonly alarm: AlarmSlot;
  /** Wall time in ms; may jump. */
  readonly now: () => number;
  /** A fresh random identifier. */
  readonly uuid: () => string;
  /** A fresh random 32-bit number. */
  readonly seed: () => number;
  /** Null: alarms only. */
  readonly memoryTimer: MemoryTimer | null;
  /** The sender to use; tests put one in between that loses calls. */
  readonly wrapSender: (sender: PeerSender, self: ReplicaTarget, roster: Roster) => PeerSender;
  /** The instance must go: an invariant broke. */
  readonly halted: (error: unknown) => void;
}

/**
 * Under load the next append tells followers what is committed; a read on a follower brings the news
 * by itself. So nobody waits for this, and it saves two calls and two writes a batch.
 */
const COMMIT_NEWS_MS = 10;

/** The alarm stands this far behind what memory takes care of. */
const BACKSTOP_MS_MIN = 5_000;

export class ReplicaHost {
  readonly #parts: HostParts;
  readonly #storage: SqlReplicaStorage;
  readonly #timers: Timers;
  readonly #clock: SteadyClock;
  #engine: Engine | null = null;
  #identity: Identity | null = null;
  /** The id that this member has if it is one of the first: what a call without an id means. */
  #founderId: string | null = null;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#storage = new SqlReplicaStorage(parts.sql);
    this.#clock = new SteadyClock(parts.now, () => this.#engine?.clockSetBack());
    this.#timers = new Timers({
      alarm: {
        set: (at) => parts.alarm.set(this.#clock.toWall(at)),
        clear: () => parts.alarm.clear(),
      },
      now: () => this.#clock.now(),
      fire: () => this.tick(),
      memory: parts.memoryTimer,
      backstopMs: Math.max(BACKSTOP_MS_MIN, 3 * parts.config.electionMs),
    });
    const stored = this.#storage.load();
    if (stored !== null) this.#start(stored);
  }

  /** The replica itself, for invariant checks; null until somebody asked this object for one. */
  get engine(): Engine | null {
    return this.#engine;
  }

  /** The alarm fired. Must never throw: after six failures the platform drops an alarm for good. */
  alarm(): void {
    this.#timers.alarmFired();
    this.tick();
  }

  tick(): void {
    this.#engine?.tick(this.#clock.now());
    this.#arm();
  }

  propose(target: ReplicaTarget, request: ProposeRequest): Promise<ProposeReply> {
    return this.#serve(target, (engine, now, done) => engine.propose(now, request, done));
  }

  range(target: ReplicaTarget, call: RangeCall): Promise<RangeReply> {
    return this.#serve(target, (engine, now, done) => engine.range(now, call, done));
  }

  proposeMany(target: ReplicaTarget, requests: readonly ProposeRequest[]): Promise<readonly ProposeReply[]> {
    return this.#serveMany<ProposeRequest, ProposeReply>(target, requests, (engine, now, request, done) =>
      engine.propose(now, request, done),
    );
  }

  rangeMany(target: ReplicaTarget, calls: readonly RangeCall[]): Promise<readonly (RangeReply | AskAlone)[]> {
    return this.#serveMany<RangeCall, RangeReply | AskAlone>(target, calls, boundedRanges(calls.length));
  }

  readTxn(target: ReplicaTarget, call: ReadCall): Promise<ReadTxnReply> {
    return this.#serve(target, (engine, now, done) => engine.readTxn(now, call, done));
  }

  query(target: ReplicaTarget, call: ReadCall): Promise<QueryReply> {
    return this.#serve(target, (engine, now, done) => engine.query(now, call, done));
  }

  watch(target: ReplicaTarget, call: WatchCall): Promise<WatchReply> {
    return this.#serve(target, (engine, now, done) => engine.watch(now, call, done));
  }

  status(target: ReplicaTarget): Promise<StatusReply | Unavailable> {
    return this.#serve(target, (engine, now, done) => done(engine.status(now)));
  }

  deliver(target: ReplicaTarget, envelope: PeerEnvelope): PeerAnswer {
    const engine = this.#open(target) ?? this.#join(target, envelope.address);
    if (engine === null) return { kind: "refused", reason: "wrong-member" };
    const answer = engine.receive(this.#clock.now(), envelope);
    this.#arm();
    return answer;
  }

  readIndex(target: ReplicaTarget, address: PeerAddress): Promise<ReadIndexAnswer> {
    const engine = this.#open(target);
    if (engine === null) return Promise.resolve({ kind: "refused", reason: "wrong-member" });
    return new Promise((resolve) => {
      engine.readIndex(this.#clock.now(), address, resolve);
      this.#arm();
    });
  }

  pull(target: ReplicaTarget, request: PullRequest): PullAnswer {
    const engine = this.#open(target);
    if (engine === null) return { kind: "refused", reason: "wrong-member" };
    const answer = engine.pull(this.#clock.now(), request);
    this.#arm();
    return answer;
  }

  /** `T` has an `unavailable` among its outcomes. */
  #serve<T>(
    target: ReplicaTarget,
    serve: (engine: Engine, now: number, done: (reply: T | Unavailable) => void) => void,
  ): Promise<T | Unavailable> {
    const engine = this.#open(target);
    if (engine === null) {
      const own = this.#identity;
      if (own === null && target.id !== undefined) {
        const waits = `${target.member} was added and has not heard from its leader yet`;
        return Promise.resolve(unavailable("no-leader", waits, null));
      }
      const self = own === null ? "nobody" : `${own.member} of cluster ${own.cluster}`;
      const message = `this object is ${self}, not ${target.member} of cluster ${target.cluster}; check INITIAL_CLUSTER`;
      return Promise.resolve(unavailable("stopped", message, null));
    }
    return new Promise((resolve) => {
      serve(engine, this.#clock.now(), resolve);
      this.#arm();
    });
  }

  /** One turn for all of them, if this is the replica that is asked for. */
  async #serveMany<Call, T>(
    target: ReplicaTarget,
    calls: readonly Call[],
    serve: ServeCall<Call, T>,
  ): Promise<readonly (T | Unavailable)[]> {
    const engine = this.#open(target);
    if (engine === null || engine.stopped !== null) {
      const alone = (call: Call): Promise<T | Unavailable> =>
        this.#serve<T>(target, (own, now, done) => serve(own, now, call, done));
      return Promise.all(calls.map(alone));
    }
    const replies = serveTogether(engine, this.#clock.now(), calls, serve);
    this.#arm();
    return replies;
  }

  /** The engine, if this object is (or now becomes) the replica that is asked for. */
  #open(target: ReplicaTarget): Engine | null {
    const identity = this.#identity;
    if (identity === null) return this.#found(target);
    const { cluster, member, id } = target;
    const isSelf =
      identity.cluster === cluster &&
      identity.member === member &&
      identity.memberId === (id ?? this.#founderId);
    return isSelf ? this.#engine : null;
  }

  /** One of the first members comes into being when anybody asks for it. */
  #found({ cluster, member, id }: ReplicaTarget): Engine | null {
    const names = this.#parts.config.members.map(({ name }) => name);
    // Whoever is added later is nobody before its leader calls.
    if (id !== undefined || !names.includes(member)) return null;
    const voters = names.map((name) => initialMemberId(cluster, name));
    const clusterId = initialClusterId(cluster, names);
    return this.#begin({ cluster, clusterId, member, memberId: initialMemberId(cluster, member) }, voters);
  }

  /** A later member comes into being with the first call of a peer, and learns from it all that it knows. */
  #join({ cluster, member, id }: ReplicaTarget, { clusterId, to }: PeerAddress): Engine | null {
    if (this.#identity !== null || id === undefined || to !== id) return null;
    return this.#begin({ cluster, clusterId, member, memberId: id }, []);
  }

  #begin(who: Omit<Identity, "incarnation">, voters: readonly string[]): Engine | null {
    const identity = { ...who, incarnation: this.#parts.uuid() };
    this.#storage.found(identity, simpleConfiguration(voters));
    const stored = this.#storage.load();
    if (stored !== null) this.#start(stored);
    return this.#engine;
  }

  #start(stored: StoredReplica): void {
    const { config, connect, seed, sql, halted, wrapSender } = this.#parts;
    const { cluster, member } = stored.identity;
    const machine = new MachineHost(sql, stored.mvcc, stored.staging !== null);
    const founders = config.members.map((founder) => ({
      ...founder,
      id: initialMemberId(cluster, founder.name),
      isFounder: true,
      serves: true,
    }));
    const roster = new Roster(founders, () => machine.membership);
    const sender = new StubSender({
      cluster,
      placeOf: (id) => roster.placeOf(id),
      connect,
      callMs: config.electionMs,
      now: () => this.#clock.now(),
      handled: () => this.#arm(),
    });
    this.#identity = stored.identity;
    this.#founderId = initialMemberId(cluster, member);
    this.#engine = new Engine({
      stored,
      storage: this.#storage,
      machine,
      sender: wrapSender(sender, { cluster, member }, roster),
      roster,
      options: {
        raft: {
          ...DEFAULT_RAFT_OPTIONS,
          electionMs: config.electionMs,
          heartbeatMs: config.heartbeatMs,
          commitNewsMs: COMMIT_NEWS_MS,
          quiesceMs: config.quiesceAfterMs,
        },
        snapshotEvery: config.snapshotEvery,
        maintenance: { quotaBytes: config.quotaBytes, autoCompaction: config.autoCompaction },
      },
      seed: seed(),
      now: this.#clock.now(),
      halted,
    });
    this.#arm();
  }

  #arm(): void {
    try {
      const lasting = this.#engine?.lastingDeadline() ?? null;
      this.#timers.arm(this.#engine?.deadline(lasting) ?? null, lasting);
    } catch (error) {
      // Storage refuses an instance that was superseded, wherever it is touched.
      this.#parts.halted(error);
    }
  }
}
