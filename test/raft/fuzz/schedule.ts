/** A seeded random life of a cluster: what happens next, and how likely. */
import { Prng } from "../../../src/base/prng.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import { TestCluster } from "../harness/cluster.ts";
import type { TestReplica } from "../harness/replica.ts";
import { deliverAll } from "../harness/time.ts";
import { watchFailure } from "../invariants/delivery.ts";
import { violated } from "../invariants/violation.ts";
import { Plots } from "./plots.ts";

/** Drawn anew for every seed, so that some seeds know no crashes, others no losses, and so on. */
export interface Weather {
  readonly voterCount: number;
  readonly steps: number;
  readonly msPerStepMax: number;
  readonly drop: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly cut: number;
  readonly heal: number;
  readonly crash: number;
  readonly restart: number;
  readonly hold: number;
  readonly propose: number;
  readonly read: number;
  readonly transfer: number;
  readonly membership: number;
  readonly compact: number;
  readonly unreachable: number;
  readonly wake: number;
  /** Nobody asks for anything until the group may have fallen asleep. */
  readonly lull: number;
  readonly pause: number;
  readonly depose: number;
  /** An append is cut short: another leader might have packed its entries into smaller ones. */
  readonly shorten: number;
  /** A misfortune of several acts begins. */
  readonly plot: number;
}

function sometimes(random: Prng, probability: number, max: number): number {
  return random.chance(probability) ? random.fraction() * max : 0;
}

export function drawWeather(random: Prng, steps: number): Weather {
  return {
    voterCount: random.pick([1, 2, 3, 3, 3, 4, 5, 5]),
    steps,
    msPerStepMax: random.pick([4, 10, 20, 60]),
    drop: sometimes(random, 0.6, 0.3),
    duplicate: sometimes(random, 0.5, 0.3),
    reorder: sometimes(random, 0.7, 1),
    cut: sometimes(random, 0.6, 0.02),
    heal: 0.01 + random.fraction() * 0.03,
    crash: sometimes(random, 0.7, 0.02),
    restart: 0.01 + random.fraction() * 0.05,
    hold: sometimes(random, 0.6, 0.05),
    propose: random.fraction() * 0.2,
    read: sometimes(random, 0.7, 0.1),
    transfer: sometimes(random, 0.4, 0.01),
    membership: sometimes(random, 0.5, 0.03),
    compact: sometimes(random, 0.6, 0.03),
    unreachable: sometimes(random, 0.4, 0.02),
    wake: sometimes(random, 0.5, 0.02),
    lull: sometimes(random, 0.3, 0.02),
    pause: sometimes(random, 0.5, 0.01),
    depose: sometimes(random, 0.6, 0.02),
    shorten: sometimes(random, 0.5, 0.7),
    plot: sometimes(random, 0.6, 0.05),
  };
}

/** Messages a link holds before the oldest are lost. */
const LINK_FRAMES_MAX = 64;
/** Nodes that exist beside the first voters, as candidates for membership. */
const SPARE_NODES = 2;

const LULL_STEP_MS = 50;

interface Transfer {
  /** Who, in which life and term, to whom. */
  readonly key: string;
  readonly since: number;
}

export class Life {
  readonly cluster: TestCluster;
  readonly weather: Weather;
  readonly random: Prng;
  readonly #ids: NodeId[];
  /** Nodes whose clock stands still and who get no messages, though clients still reach them. */
  readonly #paused = new Set<NodeId>();
  readonly #plots: Plots;
  /** Transfers under way, by leader. */
  readonly #transfers = new Map<NodeId, Transfer>();
  #proposed = 0;
  /** Membership changes accepted, for judging how much a run has seen. */
  configurationsAccepted = 0;
  /** How often a leader fell asleep in a lull. */
  sleeps = 0;

  constructor(seed: number, steps: number) {
    this.random = new Prng(seed);
    this.weather = drawWeather(this.random, steps);
    const { random, weather } = this;
    const voters = Array.from({ length: weather.voterCount }, (_, i) => String(i + 1));
    this.cluster = TestCluster.start({
      voters,
      seed: random.next(),
      options: {
        inflightMessagesMax: random.pick([1, 2, 4, 64]),
        inflightBytesMax: random.pick([16, 64, 4096]),
        appendBytesMax: random.pick([8, 32, 1024]),
        uncommittedBytesMax: random.pick([64, 4096]),
        logCacheBytesMax: random.pick([0, 32, 4096]),
        commitNewsMs: random.pick([0, 0, 5, 150]),
        quiesceMs: random.pick([0, 0, 1, 150, 1_000]),
      },
    });
    const spares = Array.from({ length: weather.membership > 0 ? SPARE_NODES : 0 }, (_, i) =>
      String(weather.voterCount + 1 + i),
    );
    for (const id of spares) this.cluster.start(id);
    this.#plots = new Plots(this.cluster, random, spares);
    this.#ids = this.cluster.ids;
    for (const replica of this.cluster.replicas.values()) {
      replica.applyMax = random.pick([1, 3, Number.POSITIVE_INFINITY]);
    }
  }

  run(): void {
    for (let i = 0; i < this.weather.steps; i += 1) this.#step();
    this.#resume();
  }

  #step(): void {
    const { random } = this;
    for (const [probability, act] of this.#acts()) {
      if (random.chance(probability)) act();
    }
    this.#plots.step();
    this.#deliverOne();
    this.#passTime(random.below(this.weather.msPerStepMax + 1));
  }

  #acts(): (readonly [number, () => void])[] {
    const { weather } = this;
    return [
      [weather.propose, () => this.#propose()],
      [weather.read, () => this.#read()],
      [weather.transfer, () => this.#onRunning((id) => this.cluster.replica(id).transfer(this.#anyId()))],
      [weather.membership, () => this.#changeMembership()],
      [weather.compact, () => this.#compact()],
      [weather.unreachable, () => this.#onRunning((id) => this.#giveUp(id))],
      [weather.wake, () => this.#onRunning((id) => this.cluster.replica(id).wake())],
      [weather.lull, () => this.#lull()],
      [weather.crash, () => this.#onRunning((id) => this.cluster.crash(id))],
      [weather.restart, () => this.#restart()],
      [weather.cut, () => this.#cut()],
      [weather.heal, () => this.#heal()],
      [weather.hold, () => this.#toggleHold()],
      [weather.pause, () => this.#paused.add(this.#likelyLeader())],
      [weather.pause, () => this.#resume()],
      [weather.depose, () => this.#depose()],
      [weather.plot, () => this.#plots.beginAny()],
    ];
  }

  #anyId(): NodeId {
    return this.random.pick(this.#ids);
  }

  #onRunning(act: (id: NodeId) => void): void {
    const id = this.#anyId();
    if (this.cluster.replica(id).raft !== null) act(id);
  }

  /** Mostly on the leader, for otherwise little would ever be committed. */
  #likelyLeader(): NodeId {
    const leader = this.cluster.leader();
    return leader === null || this.random.chance(0.2) ? this.#anyId() : leader.id;
  }

  /** A call of this node's to somebody failed. */
  #giveUp(id: NodeId): void {
    const replica = this.cluster.replica(id);
    const { leader } = replica.running.core;
    const to = leader !== null && leader !== id && this.random.chance(0.3) ? leader : this.#anyId();
    const judge = watchFailure(replica.running, to);
    replica.unreachable(to);
    judge();
  }

  #propose(): void {
    const replica = this.cluster.replica(this.#likelyLeader());
    if (replica.raft === null) return;
    this.#proposed += 1;
    const data = new Uint8Array(2 + this.random.below(6));
    data[0] = this.#proposed & 255;
    data[1] = this.#proposed >> 8;
    replica.propose(data);
  }

  /** Of anybody who believes to lead, deposed or not; now and then of somebody else. */
  #read(): void {
    const running = [...this.cluster.replicas.values()].filter((replica) => replica.raft !== null);
    const leaders = running.filter((replica) => replica.running.isLeader);
    const asked = leaders.length > 0 && this.random.chance(0.9) ? leaders : running;
    if (asked.length > 0) this.cluster.read(this.random.pick(asked).id);
  }

  #changeMembership(): void {
    const replica = this.cluster.replica(this.#likelyLeader());
    if (replica.raft === null) return;
    const { random } = this;
    const voters: NodeId[] = [];
    const learners: NodeId[] = [];
    for (const id of this.#ids) {
      const draw = random.fraction();
      if (draw < 0.6) voters.push(id);
      else if (draw < 0.8) learners.push(id);
    }
    if (replica.proposeConfiguration({ voters, learners }).kind !== "accepted") return;
    this.configurationsAccepted += 1;
    // The dangerous moment: a new configuration on two nodes, and elections among everybody.
    if (random.chance(0.3)) this.#depose();
  }

  /** A leader that does not know yet: alone or with one other, taking writes, while the rest moves on. */
  #depose(): void {
    const leader = this.cluster.leader();
    if (leader === null) return;
    this.#isolate(this.random.chance(0.5) ? [leader.id] : [leader.id, this.#anyId()]);
    for (let i = this.random.below(4); i > 0; i -= 1) this.#propose();
    for (const replica of this.cluster.replicas.values()) {
      if (replica.id !== leader.id) replica.clock += this.cluster.options.electionMs;
    }
  }

  /** Cuts these off from all others, both ways. */
  #isolate(some: readonly NodeId[]): void {
    const { network } = this.cluster;
    for (const id of this.#ids) {
      if (some.includes(id)) continue;
      for (const one of some) {
        network.cut(one, id);
        network.cut(id, one);
      }
    }
  }

  #compact(): void {
    this.#onRunning((id) => {
      const replica = this.cluster.replica(id);
      const { applied } = replica.disk.written;
      replica.compact(Math.max(0, applied - this.random.below(4)));
    });
  }

  /** A plot's cuts last until it is over. */
  #heal(): void {
    if (!this.#plots.isOn) this.cluster.network.heal();
  }

  #restart(): void {
    const id = this.#anyId();
    if (this.cluster.replica(id).raft === null) this.cluster.restart(id);
  }

  /** All at once, each at the time that the others have. */
  #resume(): void {
    const now = Math.max(...[...this.cluster.replicas.values()].map((replica) => replica.clock));
    for (const id of this.#paused) this.cluster.replica(id).clock = now;
    this.#paused.clear();
  }

  #cut(): void {
    const from = this.#anyId();
    const to = this.#anyId();
    const { network } = this.cluster;
    if (this.random.chance(0.3)) {
      this.#isolate([from]);
      return;
    }
    network.cut(from, to);
    if (this.random.chance(0.5)) network.cut(to, from);
  }

  /** A held disk is let go bit by bit, so that crashes find prefixes of what was written. */
  #toggleHold(): void {
    const replica = this.cluster.replica(this.#anyId());
    if (!replica.held) {
      replica.held = true;
    } else if (this.random.chance(0.5)) {
      replica.flushOne();
    } else {
      replica.held = false;
      replica.flush();
    }
  }

  /** Messages arrive and time passes; what is cut, held or down stays so. */
  #lull(): void {
    const { electionMs, quiesceMs } = this.cluster.options;
    if (quiesceMs === 0) return;
    for (let ms = 2 * (electionMs + quiesceMs); ms > 0; ms -= LULL_STEP_MS) {
      deliverAll(this.cluster);
      this.#passTime(LULL_STEP_MS);
      const leader = this.cluster.leader();
      if (leader?.running.core.isAsleep !== true) continue;
      this.sleeps += 1;
      // Some of it may still be under way, or be lost with somebody's memory.
      const lost = this.random.pick([leader.id, this.#anyId(), null]);
      if (lost !== null && this.cluster.replica(lost).raft !== null) this.cluster.crash(lost);
      return;
    }
  }

  #deliverOne(): void {
    const { random, weather } = this;
    const { network } = this.cluster;
    const links = network.busyLinks().filter(({ to }) => !this.#paused.has(to) && !this.#plots.isDeaf(to));
    if (links.length === 0) return;
    const { from, to, count } = random.pick(links);
    const position = random.chance(weather.reorder) ? random.below(count) : 0;
    if (count > LINK_FRAMES_MAX || random.chance(weather.drop)) {
      network.drop(from, to, position);
      return;
    }
    if (random.chance(weather.duplicate)) network.duplicate(from, to, position);
    if (random.chance(Math.max(weather.shorten, this.#plots.shorten))) this.#shorten(from, to, position);
    this.cluster.deliver(from, to, position);
  }

  #shorten(from: NodeId, to: NodeId, position: number): void {
    const { network } = this.cluster;
    const frame = network.frames(from, to)[position];
    if (frame?.body.kind !== "append") return;
    const { entries } = frame.body;
    const kept = entries.slice(0, this.random.pick([0, this.random.below(entries.length + 1)]));
    network.replace(from, to, position, { ...frame, body: { ...frame.body, entries: kept } });
  }

  /** Clocks drift apart: each node's runs at its own pace in every step. */
  #passTime(ms: number): void {
    for (const replica of this.cluster.replicas.values()) {
      if (this.#paused.has(replica.id) || this.#plots.isDeaf(replica.id)) continue;
      replica.clock += this.random.chance(0.1) ? this.random.below(2 * ms + 1) : ms;
      const deadline = replica.deadline();
      if (deadline !== null && deadline <= replica.clock) replica.tick();
      else if (replica.raft !== null && replica.applyMax < Number.POSITIVE_INFINITY) replica.applyMore();
      this.#checkTransfer(replica);
    }
  }

  /** A transfer keeps proposals out: it comes about or is given up within an election timeout. */
  #checkTransfer(replica: TestReplica): void {
    const { id, clock, incarnation, raft } = replica;
    const to = raft?.core.transferee ?? null;
    if (raft === null || to === null) {
      this.#transfers.delete(id);
      return;
    }
    const key = `${incarnation} ${raft.core.term} ${to}`;
    const known = this.#transfers.get(id);
    if (known?.key !== key) this.#transfers.set(id, { key, since: clock });
    else if (clock - known.since > this.cluster.options.electionMs) {
      violated(
        "transfer-ends",
        `${id} has kept proposals out since ${known.since} for ${to}; it is ${clock}`,
      );
    }
  }
}
