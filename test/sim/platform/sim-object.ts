/**
 * A Durable Object as its platform runs it: starts it when something arrives, gives it one event at
 * a time, holds its output until its writes are durable, takes its memory whenever it likes.
 */
import type { Config } from "../../../src/durable/config.ts";
import { ReplicaHost } from "../../../src/durable/replica-host.ts";
import { initialMemberId } from "../../../src/engine/identity.ts";
import type { ReplicaTarget } from "../../../src/engine/replica-api.ts";
import { StateMachine } from "../../../src/mvcc/state-machine.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { PeerStub } from "../../../src/transport/peer-sender.ts";
import { Violation } from "../../raft/invariants/violation.ts";
import type { MirrorChange } from "../disk/durable-mirror.ts";
import { SimDisk, type Transaction } from "../disk/sim-disk.ts";
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { RunOptions } from "../options.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import { Alarm } from "./alarm.ts";
import { ClockLooks } from "./clock-looks.ts";
import { Instance } from "./instance.ts";
import { NodeClock } from "./node-clock.ts";
import { resetError } from "./platform-error.ts";
import type { Site } from "./site.ts";

export interface ObjectParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly site: Site | null;
  readonly config: Config;
  readonly target: ReplicaTarget;
  readonly index: number;
  /** Stubs for calls made by `from`. */
  readonly connect: (from: SimObject, instance: Instance, target: ReplicaTarget) => PeerStub;
  /** Something about this object changed: memory or disk. */
  readonly changed: (object: SimObject) => void;
  /** An instance that was superseded handled something. */
  readonly ranSuperseded: (instance: Instance) => void;
  /** A transaction of its became durable; `changed` follows. */
  readonly durable: (object: SimObject, change: MirrorChange) => void;
}

export class SimObject {
  readonly index: number;
  readonly target: ReplicaTarget;
  readonly nodeId: NodeId;
  readonly disk: SimDisk;
  readonly clock: NodeClock;
  readonly alarm: Alarm;
  readonly #parts: ObjectParts;
  readonly #random;
  /** The instance that may write; null while none runs. */
  instance: Instance | null = null;
  /** A superseded instance that has not noticed. */
  zombie: Instance | null = null;
  starts = 0;
  /** Its database was taken away: under its id it must never count again. */
  wiped = false;
  #busyUntil = 0;
  #downUntil = 0;
  #durableAt = 0;
  /** What happens while its next transaction is on its way to the disk. */
  #whileWriting: (() => void) | null = null;

  constructor(parts: ObjectParts) {
    const { world, options, faults, target, index } = parts;
    this.#parts = parts;
    this.index = index;
    this.target = target;
    this.nodeId = target.id ?? initialMemberId(target.cluster, target.member);
    this.disk = new SimDisk(options.upkeep.quotaVersions !== null);
    this.#random = stream(options.seed, "object", index);
    const skewed = faults.happens("clock-skew");
    const skewMs = skewed ? Math.floor((this.#random.fraction() - 0.5) * 20_000) : 0;
    const rate = skewed ? 1 + (this.#random.fraction() - 0.5) * 0.1 : 1;
    this.clock = new NodeClock(world, skewMs, rate);
    this.alarm = new Alarm({
      world,
      clock: this.clock,
      faults,
      seed: options.seed,
      object: index,
      lateMs: options.memoryTimers ? 50 : 5,
      fire: (settled) => this.#fireAlarm(settled),
    });
  }

  get name(): string {
    const { member, id } = this.target;
    return id === undefined ? member : `${member}.${id.slice(0, 4)}`;
  }

  get isDown(): boolean {
    return this.#parts.world.now < this.#downUntil;
  }

  get busyForMs(): number {
    return Math.max(0, this.#busyUntil - this.#parts.world.now);
  }

  get isPaused(): boolean {
    return this.#parts.world.now < this.#busyUntil;
  }

  /**
   * Runs `body` as an event of this object, when it gets to it. `refused`: it cannot be reached. To
   * be called between events.
   */
  event(what: string, body: (instance: Instance) => void, refused: () => void): void {
    const { world } = this.#parts;
    if (this.isDown) {
      refused();
      return;
    }
    const { zombie } = this;
    // An alarm is taken from storage as its handler begins, which only the current instance can.
    if (what !== "alarm" && zombie?.alive === true && this.#random.chance(0.5)) {
      this.#run(zombie, `${what}-old`, body);
      return;
    }
    if (this.instance === null) this.#start();
    const { instance } = this;
    if (instance !== null && !this.isPaused) this.#run(instance, what, body);
    else world.after(this.#busyUntil - world.now, () => this.event(what, body, refused));
  }

  /** The number of the newest transaction, that of the running event included: what is said now waits for it. */
  gate(instance: Instance): number {
    if (instance.broken) return Number.POSITIVE_INFINITY;
    // What an instance that was superseded has written before is durable, or it would be broken.
    return instance.isCurrent ? this.disk.issued : 0;
  }

  /** Pending transactions vanish but for the first `keep`; the memory is gone. */
  crash(keep: number): void {
    while (keep > 0 && this.disk.pending.length > 0) {
      this.#becomeDurable();
      this.#parts.changed(this);
      keep -= 1;
    }
    this.endInstance("crashed");
    this.disk.losePending();
    this.#durableAt = 0;
    this.#parts.changed(this);
  }

  /** Calls `act` while the next transaction is not durable yet, which is when a crash costs something. */
  whileWriting(act: () => void): void {
    this.#whileWriting = act;
  }

  /** The memory is gone, everything written stays. */
  evict(): void {
    while (this.disk.pending.length > 0) {
      this.#becomeDurable();
      this.#parts.changed(this);
    }
    this.endInstance("evicted");
    this.#parts.changed(this);
  }

  /** Another instance will take over; this one does not know and may go on for `forMs`. */
  supersede(forMs: number): void {
    const old = this.instance;
    if (old === null) return;
    this.zombie?.end(resetError("superseded"));
    old.isCurrent = false;
    old.broken = this.disk.pending.length > 0;
    old.mute = old.broken;
    this.disk.losePending();
    this.#durableAt = 0;
    this.instance = null;
    this.zombie = old;
    this.#parts.world.after(forMs, () => {
      old.end(resetError("superseded"));
      if (this.zombie === old) this.zombie = null;
    });
    this.#parts.changed(this);
  }

  wipe(): void {
    // What it said before is still to be judged by what it had.
    this.#parts.changed(this);
    this.endInstance("wiped");
    this.zombie?.end(resetError("wiped"));
    this.zombie = null;
    this.disk.wipe();
    this.wiped = true;
    this.#parts.changed(this);
  }

  pause(forMs: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#parts.world.now + forMs);
  }

  goDown(forMs: number): void {
    this.#downUntil = Math.max(this.#downUntil, this.#parts.world.now + forMs);
  }

  heal(): void {
    this.alarm.heal();
    this.#whileWriting = null;
    this.#busyUntil = 0;
    this.#downUntil = 0;
  }

  endInstance(why: string): void {
    const old = this.instance;
    this.instance = null;
    old?.end(resetError(why));
  }

  close(): void {
    this.endInstance("over");
    this.zombie?.end(resetError("over"));
    this.disk.close();
  }

  /** Only planned here: the host is built by the instance's first event. */
  #start(): void {
    const { world, options, site } = this.#parts;
    this.starts += 1;
    this.instance = new Instance({
      name: this.name,
      incarnation: this.starts,
      clock: new ClockLooks(world, this.clock),
      left: (instance) => this.#left(instance),
    });
    this.pause(site?.startMs(this.index) ?? this.#random.fraction() * options.latencyMs * 4);
    world.trace.note(world.now, "start", [this.index, this.starts], () => `${this.name} #${this.starts}`);
  }

  #run(instance: Instance, what: string, body: (instance: Instance) => void): void {
    const { world, site } = this.#parts;
    world.runAs(instance, () => {
      site?.meter.began(this, what);
      world.trace.note(world.now, what, [this.index, instance.incarnation], () => this.name);
      try {
        instance.host ??= this.#build(instance);
        body(instance);
      } catch (error) {
        this.#halted(instance, error);
      }
    });
  }

  #build(instance: Instance): ReplicaHost {
    const { config, connect, options, site, world } = this.#parts;
    const random = stream(options.seed, "instance", this.index, instance.incarnation);
    return new ReplicaHost({
      sql: site?.meter.sql(this, this.disk.port(instance)) ?? this.disk.port(instance),
      config,
      connect: (target) => connect(this, instance, target),
      alarm: {
        set: (atMs) => this.#setAlarm(instance, atMs),
        clear: () => this.#setAlarm(instance, null),
      },
      now: () => instance.clock.now(),
      uuid: () => `${this.name}-${instance.incarnation}-${random.next().toString(16)}`,
      seed: () => random.next(),
      memoryTimer: options.memoryTimers
        ? (delayMs, fire) => {
            const planned = world.after(delayMs, () => this.#fireTimer(instance, fire));
            return () => {
              planned.cancelled = true;
            };
          }
        : null,
      wrapSender: (sender) => sender,
      halted: (error) => this.#halted(instance, error),
    });
  }

  #setAlarm(instance: Instance, atMs: number | null): void {
    if (!instance.isCurrent) return;
    if (atMs !== null) this.#parts.site?.meter.alarmSet(this);
    this.disk.setAlarm(instance, atMs);
    if (atMs !== null) this.alarm.written(atMs);
  }

  #fireTimer(instance: Instance, fire: () => void): void {
    const { world } = this.#parts;
    if (!instance.alive) return;
    if (this.isPaused || this.isDown) {
      const until = Math.max(this.#busyUntil, this.#downUntil);
      // After a pause either may come first: what was due, or the calls that have gathered.
      const afterCallsMs = this.#random.chance(0.5) ? 0.001 : 0;
      world.after(until - world.now + afterCallsMs, () => this.#fireTimer(instance, fire));
      return;
    }
    this.#run(instance, "timer", () => fire());
  }

  #fireAlarm(settled: (completed: boolean) => void): void {
    const { world } = this.#parts;
    this.event(
      "alarm",
      (instance) => {
        instance.host?.alarm();
        const reset = (): void => settled(false);
        instance.calls.add(reset);
        this.disk.whenDurable(this.gate(instance), () => {
          if (instance.calls.delete(reset)) settled(true);
        });
      },
      () => world.after(Math.max(1, this.#downUntil - world.now), () => this.#fireAlarm(settled)),
    );
  }

  /**
   * An instance that must not go on. Only one that was superseded may find its own state impossible: the
   * next instance may lead on in the same term, and answers to that one reach both. What it finds wrong
   * it can neither store nor, since it stops, tell anybody.
   */
  #halted(instance: Instance, error: unknown): void {
    const { world } = this.#parts;
    instance.broken = true;
    if (instance.isCurrent) world.fail(new Violation("halted", `${this.name} halted: ${describe(error)}`));
    world.after(0, () => instance.end(resetError("aborted")));
  }

  #left(instance: Instance): void {
    if (!instance.isCurrent) {
      if (instance.alive && !instance.mute) this.#parts.ranSuperseded(instance);
      instance.mute = instance.broken;
      return;
    }
    const transaction = this.disk.endEvent();
    if (transaction !== null) this.#planCommit(transaction);
    this.#parts.site?.meter.ended(this);
    this.#parts.changed(this);
  }

  #planCommit(transaction: Transaction): void {
    const { world, options, faults, site } = this.#parts;
    let takesMs = site?.commitMs(this.index) ?? options.commitMs * (0.2 + this.#random.fraction());
    if (faults.happens("slow-commit")) takesMs += this.#random.fraction() ** 2 * 10_000;
    this.#durableAt = Math.max(this.#durableAt, world.now + takesMs);
    const fails = faults.happens("commit-failure");
    const act = this.#whileWriting;
    this.#whileWriting = null;
    if (act !== null) world.after((this.#durableAt - world.now) * this.#random.fraction(), act);
    world.at(this.#durableAt, () => this.#commit(transaction, fails));
  }

  #commit(transaction: Transaction, fails: boolean): void {
    // It may have become durable, or vanished, in another way.
    if (this.disk.pending[0] !== transaction) return;
    const { world } = this.#parts;
    if (fails) {
      world.trace.note(world.now, "commit-fails", [this.index], () => this.name);
      this.crash(0);
      return;
    }
    this.#becomeDurable();
    this.#parts.changed(this);
  }

  #becomeDurable(): void {
    const transaction = this.disk.makeDurable();
    if (transaction.change !== null) this.#parts.durable(this, transaction.change);
    if (transaction.alarmAt !== undefined) this.alarm.durable(transaction.alarmAt);
    for (const leave of transaction.waiting) leave();
  }

  /** A hash over everything that replicas must agree on. */
  machineHash(): string {
    return this.machine().hash();
  }

  /** A state machine over what is stored. */
  machine(): StateMachine {
    const { generation, revision, ord, sequence, compactRevision, systemOrd, recent } = this.disk.latestMeta;
    const counters = { revision, ord, sequence, compactRevision, systemOrd, recent };
    const state = { ...counters, generation: generation === 1 ? 1 : 0 } as const;
    return new StateMachine(this.disk.port({ isCurrent: true, written: 0 }), state);
  }

  /** The core of the running instance, for invariants. */
  get core() {
    const { instance } = this;
    if (instance === null || !instance.alive) return null;
    return instance.host?.engine?.raft.core ?? null;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
