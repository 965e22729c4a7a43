/** A cluster of one whose database writes, alarms and timers a test has in hand. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Sql } from "../../src/base/sql.ts";
import { parseConfig } from "../../src/durable/config.ts";
import { ReplicaHost } from "../../src/durable/replica-host.ts";
import type { RangeCall, RangeReply } from "../../src/engine/replica-api.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";

const TARGET = { cluster: "default", member: "r1" };
const CALL: RangeCall = {
  request: toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: utf8("k") })),
  consistency: "linearizable",
  minRevision: 0,
  timeoutMs: 1_000,
};

/** A host whose timers fire when a test says so. */
export class LoneVoter {
  writes = 0;
  alarms = 0;
  readonly #host: ReplicaHost;
  #timer: (() => void) | null = null;
  #now = 1_000;

  constructor() {
    const config = parseConfig({ INITIAL_CLUSTER: "r1=enam", ALLOW_ANONYMOUS: "true" });
    if (!config.ok) throw new Error("the configuration is valid");
    const sql = new NodeSql();
    const counted: Sql = {
      run: (statement, ...bindings) => {
        this.writes += 1;
        sql.run(statement, ...bindings);
      },
      all: (statement, ...bindings) => sql.all(statement, ...bindings),
      first: (statement, ...bindings) => sql.first(statement, ...bindings),
      transaction: (body) => sql.transaction(body),
      turn: (body) => sql.turn(body),
      sizeBytes: () => sql.sizeBytes(),
    };
    this.#host = new ReplicaHost({
      sql: counted,
      config: config.value,
      connect: () => null,
      alarm: {
        set: () => {
          this.alarms += 1;
        },
        clear: () => undefined,
      },
      now: () => this.#now,
      uuid: () => "one",
      seed: () => 1,
      memoryTimer: (_delayMs, fire) => {
        this.#timer = fire;
        return () => {
          this.#timer = null;
        };
      },
      wrapSender: (sender) => sender,
      halted: (error) => {
        throw error;
      },
    });
  }

  /** The answers that have come, in their order. */
  read(count: number, call: Partial<RangeCall> = {}): RangeReply[] {
    const replies: RangeReply[] = [];
    for (let i = 0; i < count; i += 1) {
      void this.#host.range(TARGET, { ...CALL, ...call }).then((reply) => replies.push(reply));
    }
    return replies;
  }

  /** Time passes, or the clock is set back, and no timer is served. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** Serves the timer that is armed after `ms`. */
  async fire(ms = 0): Promise<void> {
    this.pass(ms);
    const fire = this.#timer;
    this.#timer = null;
    fire?.();
    await settled();
  }
}

/** Answers have reached those who wait for them. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

export async function leading(): Promise<LoneVoter> {
  const voter = new LoneVoter();
  for (;;) {
    const replies = voter.read(1);
    await voter.fire(1_000);
    if (replies[0]?.kind === "range") break;
  }
  await voter.fire();
  voter.writes = 0;
  voter.alarms = 0;
  return voter;
}
