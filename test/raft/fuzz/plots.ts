/**
 * Misfortunes of several acts. Each is a coincidence that chance alone brings about too rarely: what
 * happens between the acts is as random as the rest of the life.
 */
import type { Prng } from "../../../src/base/prng.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { TestCluster } from "../harness/cluster.ts";
import type { Frame } from "../harness/frame.ts";
import type { TestReplica } from "../harness/replica.ts";
import { deliverAll, passTime } from "../harness/time.ts";
import { watchFailure } from "../invariants/delivery.ts";
import { violated } from "../invariants/violation.ts";

/** Chance, a step, that a plot goes on to its next act. */
const NEXT_ACT = 0.06;
const STEPS_MAX = 200;

const LULL_STEP_MS = 50;

/** How likely an append is cut short while a plot asks for that. */
const SHORTEN = 0.7;

interface Plot {
  /** This node stands still meanwhile, and what is sent to it waits; clients reach it all the same. Null: no such node. */
  readonly deaf: NodeId | null;
  /** What happens next, in order; an act that returns false is played again. */
  readonly acts: (() => boolean)[];
  /** Appends are cut short. */
  readonly shorten: number;
  /** Steps after which it is over in any case. */
  stepsLeft: number;
}

export class Plots {
  readonly #cluster: TestCluster;
  readonly #random: Prng;
  /** Nodes beside the first voters. */
  readonly #spares: readonly NodeId[];
  #plot: Plot | null = null;

  constructor(cluster: TestCluster, random: Prng, spares: readonly NodeId[]) {
    this.#cluster = cluster;
    this.#random = random;
    this.#spares = spares;
  }

  get isOn(): boolean {
    return this.#plot !== null;
  }

  /** What is sent to this node arrives when the plot is over; its clock stands still. */
  isDeaf(id: NodeId): boolean {
    return this.#plot?.deaf === id;
  }

  /** How likely an append is cut short now. */
  get shorten(): number {
    return this.#plot?.shorten ?? 0;
  }

  step(): void {
    const plot = this.#plot;
    if (plot === null) return;
    plot.stepsLeft -= 1;
    if (plot.stepsLeft <= 0) this.#plot = null;
    if (!this.#random.chance(NEXT_ACT)) return;
    const [act] = plot.acts;
    if (act === undefined) this.#plot = null;
    else if (act()) plot.acts.shift();
  }

  beginAny(): void {
    switch (this.#random.below(8)) {
      case 0:
        this.lateAnswers();
        break;
      case 1:
        this.divide();
        break;
      case 2:
        this.forgottenTail();
        break;
      case 3:
        this.deposedAsleep();
        break;
      case 4:
        this.oversleep();
        break;
      case 5:
        this.lateWaking();
        break;
      case 6:
        this.askInVain();
        break;
      default:
        this.divide();
    }
  }

  /**
   * A leader hears late: what its followers say arrives when they have long elected another one. It
   * is asked for reads before, meanwhile, and just before it hears.
   */
  lateAnswers(): void {
    const leader = this.#cluster.leader();
    if (this.#plot !== null || leader === null) return;
    const ask = (): boolean => {
      if (leader.raft?.isLeader === true) this.#cluster.read(leader.id);
      return true;
    };
    ask();
    const elect = (): boolean => this.#pass(this.#cluster.options.electionMs, (id) => id !== leader.id);
    const write = (): boolean => this.#proposeAway(leader);
    this.#begin(leader.id, 0, [elect, write, ask, ask]);
  }

  /**
   * Nearly everybody is replaced, and the network falls apart between those who are to go and those
   * who come: only the latter know. Both sides have lost their leader.
   */
  divide(): void {
    const leader = this.#cluster.leader();
    if (this.#plot !== null || leader === null || this.#spares.length === 0) return;
    const { voters } = leader.running.core.configurations.current;
    const target = [leader.id, ...this.#spares];
    if (leader.proposeConfiguration({ voters: target, learners: [] }).kind !== "accepted") return;
    for (const old of voters.filter((id) => !target.includes(id))) {
      for (const id of target) {
        this.#cluster.network.cut(old, id);
        this.#cluster.network.cut(id, old);
      }
    }
    const pass = (): boolean => this.#pass(this.#cluster.options.electionMs, () => true);
    const wait = (): boolean => true;
    this.#begin(null, 0, [wait, wait, pass, wait, pass, wait, wait]);
  }

  /**
   * A leader alone takes writes while the others elect another one and go on: when it is back, what it
   * has conflicts with what is committed, and the appends that would tell it so come in small pieces.
   */
  forgottenTail(): void {
    const leader = this.#cluster.leader();
    if (this.#plot !== null || leader === null) return;
    const { network } = this.#cluster;
    for (const id of this.#cluster.ids.filter((other) => other !== leader.id)) {
      network.cut(leader.id, id);
      network.cut(id, leader.id);
    }
    for (let i = 1 + this.#random.below(3); i > 0; i -= 1) leader.propose(new Uint8Array([254, i]));
    const elect = (): boolean => this.#pass(this.#cluster.options.electionMs, (id) => id !== leader.id);
    const write = (): boolean => this.#proposeAway(leader);
    const back = (): boolean => {
      network.heal();
      return true;
    };
    const wait = (): boolean => true;
    this.#begin(null, SHORTEN, [elect, write, write, wait, back, wait, wait, wait]);
  }

  /**
   * A leader falls asleep, loses its memory, and is replaced without hearing of it. When it leads on
   * and is asked for a read, it hears what its followers answered to its earlier life.
   */
  deposedAsleep(): void {
    const leader = this.#cluster.leader();
    const { quiesceMs, electionMs } = this.#cluster.options;
    if (this.#plot !== null || leader === null || quiesceMs === 0) return;
    const { network } = this.#cluster;
    const answers = this.#lateAnswers(leader);
    if (!this.#lull(leader)) return;
    this.#cluster.crash(leader.id);
    const others = this.#cluster.ids.filter((id) => id !== leader.id);
    for (const id of others) {
      network.cut(leader.id, id);
      network.cut(id, leader.id);
    }
    const elect = (): boolean => {
      for (const id of others) {
        const other = this.#cluster.replica(id);
        if (other.raft === null) continue;
        other.wake();
        const judge = watchFailure(other.running, leader.id);
        other.unreachable(leader.id);
        judge();
      }
      deliverAll(this.#cluster);
      return this.#pass(electionMs, (id) => id !== leader.id);
    };
    const write = (): boolean => {
      const isWritten = this.#proposeAway(leader);
      deliverAll(this.#cluster);
      return isWritten;
    };
    const wait = (): boolean => true;
    const readOn = (): boolean => {
      if (leader.raft === null) this.#cluster.restart(leader.id);
      if (leader.raft?.isLeader !== true) return true;
      this.#cluster.read(leader.id);
      for (const frame of answers) this.#arrive(frame);
      return true;
    };
    this.#begin(leader.id, 0, [elect, write, wait, readOn]);
  }

  /**
   * A leader proposes to sleep and stands still. When it goes on, everybody has been silent for long, and
   * one of them is heard to agree.
   */
  oversleep(): void {
    const leader = this.#cluster.leader();
    const { quiesceMs, electionMs } = this.#cluster.options;
    if (this.#plot !== null || leader === null || quiesceMs === 0) return;
    const { network, ids } = this.#cluster;
    const others = ids.filter((id) => id !== leader.id);
    for (let i = this.#random.below(8); i > 0; i -= 1) leader.propose(new Uint8Array([253, i]));
    const isProposed = (): boolean =>
      others.some((id) => network.frames(leader.id, id).some(({ body }) => body.kind === "quiesce"));
    for (let ms = 2 * (electionMs + quiesceMs); ms > 0 && !isProposed(); ms -= LULL_STEP_MS) {
      deliverAll(this.#cluster);
      passTime(this.#cluster, LULL_STEP_MS);
    }
    if (!isProposed()) return;
    const one = this.#random.pick(others);
    while (this.#cluster.deliver(leader.id, one) !== null) {
      // It has heard the proposal then.
    }
    leader.clock += (1 + 2 * this.#random.fraction()) * electionMs;
    while (leader.raft !== null && this.#cluster.deliver(one, leader.id) !== null) {
      // The leader hears it before it looks at the time.
    }
  }

  /** Everybody sleeps, and late messages of the leader wake its followers, which hear no more from it. */
  lateWaking(): void {
    const leader = this.#cluster.leader();
    const { quiesceMs, electionMs } = this.#cluster.options;
    const replicas = [...this.#cluster.replicas.values()];
    const isDisturbed = replicas.some(({ raft, held }) => raft === null || held);
    if (this.#plot !== null || leader === null || quiesceMs === 0 || isDisturbed) return;
    const { network } = this.#cluster;
    network.heal();
    if (!this.#lull(leader) || !replicas.every(({ running }) => running.core.isAsleep)) return;
    const { term, readRound: round, log } = leader.running.core;
    const { last: lastIndex, lastTerm, commit } = log;
    for (const { id } of replicas) {
      if (id === leader.id) continue;
      const body = { kind: "heartbeat", term, commit, lastIndex, lastTerm, round } as const;
      network.send({ from: leader.id, to: id, body });
    }
    for (let ms = 4 * electionMs; ms > 0; ms -= LULL_STEP_MS) {
      deliverAll(this.#cluster);
      passTime(this.#cluster, LULL_STEP_MS);
    }
    const after = Math.max(...replicas.map(({ disk }) => disk.written.term));
    if (after > term) violated("stable-sleep", `late messages depose ${leader.id}, which sleeps in ${term}`);
  }

  /**
   * A leader, alone with a learner, makes a voter of it and loses its memory before anybody hears of that.
   * Meanwhile the learner was woken, and waits for a word of its leader, which needs its vote.
   */
  askInVain(): void {
    const leader = this.#cluster.leader();
    const { quiesceMs, electionMs } = this.#cluster.options;
    const spare = this.#spares[0];
    const replicas = [...this.#cluster.replicas.values()];
    const isDisturbed = replicas.some(({ raft, held }) => raft === null || held);
    if (this.#plot !== null || leader === null || spare === undefined || quiesceMs === 0 || isDisturbed)
      return;
    if (leader.running.core.configurations.current.voters.join() !== leader.id) return;
    const { network } = this.#cluster;
    network.heal();
    deliverAll(this.#cluster);
    leader.proposeConfiguration({ voters: [leader.id], learners: [spare] });
    if (!this.#lull(leader)) return;
    network.cut(leader.id, spare);
    network.cut(spare, leader.id);
    if (leader.proposeConfiguration({ voters: [leader.id, spare], learners: [] }).kind !== "accepted") return;
    this.#cluster.replica(spare).wake();
    this.#cluster.crash(leader.id);
    network.heal();
    this.#cluster.restart(leader.id);
    for (let ms = 10 * electionMs; ms > 0 && this.#cluster.leader() === null; ms -= LULL_STEP_MS) {
      deliverAll(this.#cluster);
      passTime(this.#cluster, LULL_STEP_MS);
    }
    if (this.#cluster.leader() === null) violated("electable", `${leader.id} and ${spare} elect nobody`);
  }

  /** Copies of what a leader's followers answer while it is asked for reads: the network may keep some. */
  #lateAnswers(leader: TestReplica): readonly Frame[] {
    const { network, ids } = this.#cluster;
    const answers: Frame[] = [];
    for (let i = 1 + this.#random.below(3); i > 0 && leader.raft?.isLeader === true; i -= 1) {
      this.#cluster.read(leader.id);
      for (const id of ids) {
        while (id !== leader.id && this.#cluster.deliver(leader.id, id) !== null) {
          // All of them have heard the question then.
        }
        answers.push(...network.frames(id, leader.id));
      }
      deliverAll(this.#cluster);
    }
    return answers;
  }

  /** Nobody asks for anything, nothing is lost. True when this leader sleeps. */
  #lull(leader: TestReplica): boolean {
    const { electionMs, quiesceMs } = this.#cluster.options;
    for (let ms = 2 * (electionMs + quiesceMs); ms > 0; ms -= LULL_STEP_MS) {
      deliverAll(this.#cluster);
      passTime(this.#cluster, LULL_STEP_MS);
      if (leader.raft?.isLeader !== true) return false;
      if (leader.raft.core.isAsleep) return true;
    }
    return false;
  }

  #arrive(frame: Frame): void {
    const { network } = this.#cluster;
    const { from, to } = frame;
    network.healLink(from, to);
    network.send(frame);
    this.#cluster.deliver(from, to, network.frames(from, to).length - 1);
    network.cut(from, to);
  }

  #begin(deaf: NodeId | null, shorten: number, acts: (() => boolean)[]): void {
    this.#plot = { deaf, acts, shorten, stepsLeft: STEPS_MAX };
  }

  /** A write through whoever leads by now, unless that is still `old`. */
  #proposeAway(old: TestReplica): boolean {
    const leader = this.#cluster.leader();
    if (leader === null || leader === old) return false;
    leader.propose(new Uint8Array([255, this.#random.below(256)]));
    return true;
  }

  #pass(ms: number, who: (id: NodeId) => boolean): boolean {
    for (const replica of this.#cluster.replicas.values()) if (who(replica.id)) replica.clock += ms;
    return true;
  }
}
