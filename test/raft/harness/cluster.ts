/** Some replicas, the network between them, and the invariants watching every step. */
import { assert, defined } from "../../../src/base/assert.ts";
import { simpleConfiguration } from "../../../src/raft/configuration.ts";
import type { Effects } from "../../../src/raft/effects.ts";
import { DEFAULT_RAFT_OPTIONS, type RaftOptions } from "../../../src/raft/options.ts";
import type { Configuration, NodeId } from "../../../src/raft/types.ts";
import { allInvariants, conversationInvariants } from "../invariants/all.ts";
import { Checker } from "../invariants/checker.ts";
import { type AppendsMade, watchDelivery } from "../invariants/delivery.ts";
import type { Departure, ReadAnswer, WriteAnswer } from "../invariants/view.ts";
import { DiskState } from "./disk.ts";
import type { Frame } from "./frame.ts";
import { Network } from "./network.ts";
import { type Output, TestReplica } from "./replica.ts";
import { viewNode } from "./views.ts";

export const TEST_OPTIONS: RaftOptions = { ...DEFAULT_RAFT_OPTIONS, electionMs: 1000, heartbeatMs: 100 };

export interface ClusterSetup {
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly options?: Partial<RaftOptions>;
  readonly seed?: number;
}

/** What a test may want to print; the invariants see more. */
export interface ClusterListener {
  effects(replica: TestReplica, effects: Effects): void;
  output(replica: TestReplica, output: Output): void;
}

export interface ReadOutcome {
  readonly id: number;
  /** Null: ask again elsewhere. */
  readonly index: number | null;
}

export class TestCluster {
  readonly network = new Network();
  readonly replicas = new Map<NodeId, TestReplica>();
  readonly checker = new Checker([...allInvariants(), ...conversationInvariants()]);
  readonly initial: Configuration;
  readonly options: RaftOptions;
  listener: ClusterListener | null = null;
  /** Highest index acknowledged to any client. */
  acknowledgedMax = 0;
  acknowledgedCount = 0;
  /** Reads answered, by id. */
  readonly reads = new Map<number, ReadOutcome>();
  readonly #readFloors = new Map<number, number>();
  #seed: number;
  #readCount = 0;
  /** By "from>to". */
  readonly #appendsMade = new Map<string, AppendsMade>();
  #departures: Departure[] = [];
  #readAnswers: ReadAnswer[] = [];
  #writeAnswers: WriteAnswer[] = [];

  constructor(setup: ClusterSetup) {
    this.initial = simpleConfiguration(setup.voters, setup.learners);
    this.options = { ...TEST_OPTIONS, ...setup.options };
    this.#seed = setup.seed ?? 1;
  }

  /** A cluster whose members run, all with empty logs. */
  static start(setup: ClusterSetup): TestCluster {
    const cluster = new TestCluster(setup);
    for (const id of [...setup.voters, ...(setup.learners ?? [])]) cluster.start(id);
    return cluster;
  }

  replica(id: NodeId): TestReplica {
    return defined(this.replicas.get(id), `there is no node ${id}`);
  }

  get ids(): NodeId[] {
    return [...this.replicas.keys()];
  }

  /** Starts a new node; without a prepared disk it knows nothing but the cluster's first configuration. */
  start(id: NodeId, disk = new DiskState(this.initial)): TestReplica {
    assert(!this.replicas.has(id), `node ${id} exists`);
    const replica = new TestReplica(id, disk, this.options, {
      effects: (of, effects) => {
        this.#noteAppends(id, effects);
        this.listener?.effects(of, effects);
      },
      output: (of, output) => this.#onOutput(of, output),
      step: (of) => this.#onStep(of),
    });
    this.replicas.set(id, replica);
    replica.start(this.#nextSeed());
    return replica;
  }

  restart(id: NodeId): void {
    this.replica(id).start(this.#nextSeed());
  }

  crash(id: NodeId): void {
    this.replica(id).crash();
  }

  /** Delivers the frame at `position` of a link; returns it, or null when there was none to deliver. */
  deliver(from: NodeId, to: NodeId, position = 0): Frame | null {
    const frame = this.network.take(from, to, position);
    if (frame !== null) this.#receive(frame);
    return frame;
  }

  #receive(frame: Frame): void {
    const { from, to } = frame;
    const replica = this.replica(to);
    if (replica.raft === null) return;
    const judge = watchDelivery(frame, replica.raft, () => this.#appendsMade.get(`${to}>${from}`));
    replica.receive(frame);
    judge();
  }

  #noteAppends(from: NodeId, { first, after }: Effects): void {
    for (const { to, message } of [...first, ...after]) {
      if (message.kind !== "append") continue;
      const count = (this.#appendsMade.get(`${from}>${to}`)?.count ?? 0) + 1;
      this.#appendsMade.set(`${from}>${to}`, { count, previousIndex: message.previousIndex });
    }
  }

  /** Asks for a linearizable read at `id`; the outcome appears in `reads`. Returns its number. */
  read(id: NodeId): number {
    this.#readCount += 1;
    const read = this.#readCount;
    this.#readFloors.set(read, this.acknowledgedMax);
    this.replica(id).read(read);
    return read;
  }

  /** The running leader of the highest term, if any. */
  leader(): TestReplica | null {
    let best: TestReplica | null = null;
    for (const replica of this.replicas.values()) {
      if (replica.raft?.isLeader !== true) continue;
      if (best === null || replica.raft.core.term > best.running.core.term) best = replica;
    }
    return best;
  }

  #nextSeed(): number {
    this.#seed += 1;
    return this.#seed;
  }

  #onOutput(replica: TestReplica, output: Output): void {
    switch (output.kind) {
      case "send":
        this.#onSend(output.frame);
        break;
      case "read": {
        this.reads.set(output.id, { id: output.id, index: output.index });
        const floor = defined(this.#readFloors.get(output.id), "the read was asked for");
        if (output.index !== null) {
          this.#readAnswers.push({ node: replica.id, index: output.index, applied: output.applied, floor });
        }
        break;
      }
      case "write":
        this.acknowledgedMax = Math.max(this.acknowledgedMax, output.index);
        this.acknowledgedCount += 1;
        this.#writeAnswers.push({ node: replica.id, index: output.index, term: output.term });
        break;
    }
    this.listener?.output(replica, output);
  }

  #onSend(frame: Frame): void {
    const { from, to, body } = frame;
    if (body.kind !== "pull" && body.kind !== "pulled") this.#departures.push({ from, to, message: body });
    if (this.replicas.has(to)) this.network.send(frame);
  }

  #onStep(replica: TestReplica): void {
    const departures = this.#departures;
    const reads = this.#readAnswers;
    const writes = this.#writeAnswers;
    this.#departures = [];
    this.#readAnswers = [];
    this.#writeAnswers = [];
    this.checker.check({
      node: (id) => {
        const found = this.replicas.get(id);
        return found === undefined ? null : viewNode(found);
      },
      touched: [replica.id],
      departures,
      reads,
      writes,
    });
  }
}
