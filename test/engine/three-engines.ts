/** Three engines and the calls between them, which the test lets through or loses. */
import type { Sql } from "../../src/base/sql.ts";
import { Engine } from "../../src/engine/engine.ts";
import { initialClusterId, initialMemberId } from "../../src/engine/identity.ts";
import { MachineHost } from "../../src/engine/machine-host.ts";
import type { PeerSender } from "../../src/engine/ports.ts";
import { Roster } from "../../src/engine/roster.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { SqlReplicaStorage } from "../../src/storage/replica-storage.ts";

const NAMES = ["r1", "r2", "r3"];
const CLUSTER = "default";
const STEP_MS = 10;

interface Call {
  readonly to: string;
  readonly run: (engine: Engine) => void;
}

export class ThreeEngines {
  now = 1_000;
  readonly engines = new Map<string, Engine>();
  /** What each did, in order: "turn" is a transaction, "call" a call to another one. */
  readonly deeds = new Map<string, string[]>();
  /** Whom no call reaches. */
  down: string | null = null;
  #calls: Call[] = [];

  constructor() {
    for (const name of NAMES) this.engines.set(initialMemberId(CLUSTER, name), this.#start(name));
  }

  /** The leader, once there is one with nothing left to do. */
  lead(): readonly [string, Engine] {
    for (let left = 1_000; left > 0; left -= 1) {
      this.pass(STEP_MS);
      const found = [...this.engines].find(([, engine]) => engine.raft.isLeader);
      if (found === undefined) continue;
      this.pass(STEP_MS);
      return found;
    }
    throw new Error("nobody leads");
  }

  /** Time passes, everybody looks at it, and all calls are made. */
  pass(ms: number): void {
    this.now += ms;
    for (const engine of this.engines.values()) engine.tick(this.now);
    this.settle();
  }

  /** All calls are made, and those that they lead to. */
  settle(): void {
    while (this.#calls.length > 0) this.round();
  }

  /** The calls that are out are made. */
  round(): void {
    const calls = this.#calls;
    this.#calls = [];
    for (const { to, run } of calls) {
      const engine = this.engines.get(to);
      if (engine !== undefined && to !== this.down) run(engine);
    }
  }

  #start(member: string): Engine {
    const ids = NAMES.map((name) => initialMemberId(CLUSTER, name));
    const clusterId = initialClusterId(CLUSTER, NAMES);
    const identity = {
      cluster: CLUSTER,
      clusterId,
      member,
      memberId: initialMemberId(CLUSTER, member),
      incarnation: member,
    };
    const deeds: string[] = [];
    this.deeds.set(identity.memberId, deeds);
    const sql = noted(new NodeSql(), deeds);
    const storage = new SqlReplicaStorage(sql);
    storage.found(identity, simpleConfiguration(ids));
    const stored = storage.load();
    if (stored === null) throw new Error("a replica that was founded can be loaded");
    const machine = new MachineHost(sql, stored.mvcc, false);
    const founders = NAMES.map((name, i) => ({
      name,
      id: ids[i] ?? "",
      isFounder: true,
      serves: true,
      binding: "REPLICA",
      hint: "enam",
    }));
    const raft = { ...DEFAULT_RAFT_OPTIONS, commitNewsMs: STEP_MS };
    return new Engine({
      stored,
      storage,
      machine,
      sender: this.#sender(deeds),
      roster: new Roster(founders, () => machine.membership),
      options: {
        raft,
        snapshotEvery: 1_000,
        maintenance: { quotaBytes: 1e9, autoCompaction: { kind: "off" } },
      },
      seed: NAMES.indexOf(member) + 1,
      now: this.now,
      halted: (error) => {
        throw error;
      },
    });
  }

  #sender(deeds: string[]): PeerSender {
    return {
      deliver: (envelope, answered) => {
        deeds.push("call");
        this.#calls.push({
          to: envelope.address.to,
          run: (engine) => answered(this.now, engine.receive(this.now, envelope)),
        });
      },
      readIndex: (address, answered) => {
        this.#calls.push({
          to: address.to,
          run: (engine) => engine.readIndex(this.now, address, (answer) => answered(this.now, answer)),
        });
      },
      pull: () => undefined,
      propose: () => undefined,
    };
  }
}

function noted(sql: NodeSql, deeds: string[]): Sql {
  return {
    run: (...statement) => sql.run(...statement),
    all: (...statement) => sql.all(...statement),
    first: (...statement) => sql.first(...statement),
    transaction: (body) => sql.transaction(body),
    turn: (body) => {
      deeds.push("turn");
      return sql.turn(body);
    },
    sizeBytes: () => sql.sizeBytes(),
  };
}
