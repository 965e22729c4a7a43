import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beginImport,
  dropGeneration,
  exportChunk,
  finishImport,
  importChunk,
  stagingGeneration,
} from "../../src/mvcc/snapshot.ts";
import { SNAPSHOT_START, type SnapshotChunk, type SnapshotCursor } from "../../src/mvcc/snapshot-types.ts";
import type { Command } from "../../src/wire/gen/edged_pb.ts";
import { RangeRequestSchema, RangeResponseSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { bytes, compactOf, dataOf, operationId, readable, Store } from "./harness.ts";
import {
  answerOf,
  commandOf,
  deleteOp,
  KEYS,
  leaseAnswerOf,
  leaseCommandOf,
  leaseOp,
  putOp,
  rangeAnswer,
  rangeOp,
  rangeRequest,
  txnOp,
} from "./model-commands.ts";
import {
  type DeleteOp,
  type LeaseOp,
  NaiveModel,
  type Op,
  type PutOp,
  type RangeOp,
  Refusal,
  type TxnOp,
} from "./naive-model.ts";

type Write = PutOp | DeleteOp | TxnOp;

type Action =
  | { readonly kind: "write"; readonly op: Write }
  | { readonly kind: "lease"; readonly op: LeaseOp }
  | { readonly kind: "read"; readonly op: RangeOp }
  | { readonly kind: "compact"; readonly back: number }
  | { readonly kind: "collect"; readonly rows: number }
  | { readonly kind: "retry"; readonly back: number }
  | { readonly kind: "reload" }
  | { readonly kind: "replace"; readonly chunkBytes: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.oneof(putOp, putOp, deleteOp, txnOp).map((op): Action => ({ kind: "write", op })),
  },
  { weight: 6, arbitrary: leaseOp.map((op): Action => ({ kind: "lease", op })) },
  { weight: 6, arbitrary: rangeOp.map((op): Action => ({ kind: "read", op })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: -1, max: 8 }).map((back): Action => ({ kind: "compact", back })),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 5 }).map((rows): Action => ({ kind: "collect", rows })) },
  { weight: 2, arbitrary: fc.nat(20).map((back): Action => ({ kind: "retry", back })) },
  { weight: 1, arbitrary: fc.constant<Action>({ kind: "reload" }) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 300 })
      .map((chunkBytes): Action => ({ kind: "replace", chunkBytes })),
  },
);

function modelAnswer(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

/** Copies a store into the staging generation of another, chunk by chunk, each chunk twice. */
function transfer(from: Store, to: Store, chunkBytes: number): Store {
  const bounds = from.machine.pin();
  const generation = stagingGeneration(to.machine.state());
  while (!beginImport(to.sql, generation)) dropGeneration(to.sql, generation, 3);
  let cursor: SnapshotCursor | null = SNAPSHOT_START;
  while (cursor !== null) {
    const chunk: SnapshotChunk = structuredClone(
      exportChunk(from.sql, from.machine.state().generation, bounds, cursor, chunkBytes),
    );
    for (let twice = 0; twice < 2; twice += 1)
      to.sql.transaction(() => importChunk(to.sql, generation, chunk));
    cursor = chunk.next;
  }
  from.machine.unpin(bounds);
  return new Store(to.sql, finishImport(to.sql, generation, bounds));
}

class Run {
  readonly model = new NaiveModel();
  /** Collects garbage, reloads and is replaced by snapshots; `plain` only applies. */
  store = new Store();
  readonly plain = new Store();
  #spare = new Store();
  readonly #sent: Command[] = [];

  step(one: Action): void {
    switch (one.kind) {
      case "write":
        this.#write(one.op);
        return;
      case "lease":
        this.#lease(one.op);
        return;
      case "read":
        this.#read(one.op);
        return;
      case "compact":
        this.#compact(Math.max(-1, this.model.revision - one.back));
        return;
      case "collect":
        this.store.collect(one.rows);
        return;
      case "retry":
        this.#retry(one.back);
        return;
      case "reload":
        this.store.reload();
        return;
      case "replace": {
        const old = this.store;
        this.store = transfer(old, this.#spare, one.chunkBytes);
        this.#spare = old;
        return;
      }
    }
  }

  #write(op: Write): void {
    const command = commandOf(op, operationId(this.#sent.length, this.store.machine.state().sequence));
    const expected = modelAnswer(() => this.model.run(op));
    this.#send(command, (response) => answerOf(op, response), expected);
  }

  #lease(op: LeaseOp): void {
    const { machine } = this.store;
    const command = leaseCommandOf(
      op,
      operationId(this.#sent.length, machine.state().sequence),
      machine.leases,
    );
    const expected = modelAnswer(() => this.model.runLease(op));
    for (const store of [this.store, this.plain]) {
      const outcome = store.apply(command).outcomes[0];
      if (outcome === undefined) throw new Error("one command has one outcome");
      expect(leaseAnswerOf(op, outcome)).toEqual(expected);
    }
    this.#sent.push(command);
    this.#expectLeases();
  }

  /** The leases and their keys, as the store has them. */
  #expectLeases(): void {
    const { leases } = this.store.machine;
    const stored = leases
      .page(null, 100)
      .map(({ id, record }) => [
        Number(id),
        { ttl: Number(record.ttl), remainingMs: Number(record.remainingMs), withKeys: record.withKeys },
        [...leases.keys(id)].map((key) => Buffer.from(key).toString()),
      ]);
    const expected = [...this.model.leases]
      .sort(([a], [b]) => a - b)
      .map(([id, lease]) => [id, lease, this.model.keysOf(id)]);
    expect(stored).toEqual(expected);
    expect(leases.count).toBe(expected.length);
  }

  #compact(revision: number): void {
    const command = compactOf(revision, operationId(this.#sent.length, this.store.machine.state().sequence));
    const expected = modelAnswer(() => this.model.compact(revision));
    const read = (response: unknown) =>
      typeof response === "string"
        ? response
        : { revision: Number((response as { header: { revision: bigint } }).header.revision) };
    this.#send(command, read, expected);
  }

  #send(command: Command, read: (response: unknown) => unknown, expected: unknown): void {
    for (const store of [this.store, this.plain]) {
      const outcome = store.apply(command).outcomes[0];
      if (outcome === undefined) throw new Error("one command has one outcome");
      expect(read(readable(command, outcome))).toEqual(expected);
    }
    this.#sent.push(command);
  }

  /** The same bytes again change nothing but the sequence, and get the same answer everywhere. */
  #retry(back: number): void {
    const sent = this.#sent.at(-1 - back);
    if (sent === undefined) return;
    const before = this.store.machine.state();
    const [answer, plainAnswer] = [this.store.apply(sent), this.plain.apply(sent)];
    expect(answer).toEqual(plainAnswer);
    expect(this.store.machine.state()).toEqual({ ...before, sequence: before.sequence + 1 });
  }

  #read(op: RangeOp): void {
    const result = this.store.machine.range(rangeRequest(op));
    const expected = modelAnswer(() => this.model.run(op as Op));
    expect(result.ok ? rangeAnswer(result.value) : result.error).toEqual(expected);
    for (const key of KEYS) this.#readPlainly(bytes(key));
  }

  /** A read of one key says the same, to the byte, in its own short way. */
  #readPlainly(key: Uint8Array): void {
    const { machine } = this.store;
    const result = machine.range(create(RangeRequestSchema, { key }));
    expect(machine.get(key)).toEqual(result.ok ? toBinary(RangeResponseSchema, result.value) : result.error);
  }

  finish(): void {
    this.#expectLeases();
    expect(this.store.machine.hash()).toBe(this.plain.machine.hash());
    while (!this.store.collect(3)) expect(this.store.machine.hash()).toBe(this.plain.machine.hash());
    expect(this.store.machine.hash()).toBe(this.plain.machine.hash());
    expect(this.store.machine.state().revision).toBe(this.model.revision);
    expectDense(this.plain);
  }
}

/** Where nothing was collected, positions, revisions and places within a revision have no gaps. */
function expectDense(store: Store): void {
  let [ord, main, sub] = [0, 1, 0];
  for (const row of store.sql.all("SELECT ord, main, sub FROM kv_0 ORDER BY ord")) {
    ord += 1;
    [main, sub] = row[1] === main ? [main, sub + 1] : [main + 1, 0];
    expect(row).toEqual([ord, main, sub]);
  }
  expect(store.machine.state()).toMatchObject({ ord, revision: main });
}

/** An entry of the log, or what a replica does by itself. */
type Turn =
  | { readonly kind: "entry"; readonly ops: readonly (Write | LeaseOp)[]; readonly compact: boolean }
  | { readonly kind: "collect"; readonly rows: number };

const turn: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("entry" as const),
      ops: fc.array(fc.oneof(putOp, deleteOp, txnOp, leaseOp), { maxLength: 3 }),
      compact: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("collect" as const), rows: fc.integer({ min: 1, max: 9 }) }),
  },
);

function isLeaseOp(op: Write | LeaseOp): op is LeaseOp {
  return !["put", "delete", "txn"].includes(op.kind);
}

describe("the state machine against a naive model", () => {
  it("answers as the model does, whatever is collected, reloaded, replaced or sent again", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
        const run = new Run();
        for (const one of actions) run.step(one);
        run.finish();
      }),
      { numRuns: 300 },
    );
  });

  it("a snapshot sent while the sender goes on is the past, from which replay leads to the present", () => {
    fc.assert(
      fc.property(
        fc.array(turn, { maxLength: 20 }),
        fc.array(turn, { minLength: 1, maxLength: 20 }),
        (past, future) => {
          const sender = new Store();
          let ids = 0;
          const take = (one: Turn): Uint8Array | null => {
            if (one.kind === "collect") {
              sender.collect(one.rows);
              return null;
            }
            const { revision, sequence } = sender.machine.state();
            const commands = one.ops.map((op) => {
              ids += 1;
              const id = operationId(ids, sequence);
              return isLeaseOp(op) ? leaseCommandOf(op, id, sender.machine.leases) : commandOf(op, id);
            });
            const data = dataOf([...commands, ...(one.compact ? [compactOf(revision)] : [])]);
            sender.applyData(data);
            return data;
          };
          for (const one of past) take(one);
          const hashBefore = sender.machine.hash();
          const bounds = sender.machine.pin();

          const receiver = new Store();
          const log: Uint8Array[] = [];
          const rest = [...future];
          let cursor: SnapshotCursor | null = SNAPSHOT_START;
          while (cursor !== null) {
            const chunk: SnapshotChunk = exportChunk(sender.sql, 0, bounds, cursor, 100);
            importChunk(receiver.sql, 1, chunk);
            cursor = chunk.next;
            const one = rest.shift();
            const data = one === undefined ? null : take(one);
            if (data !== null) log.push(data);
          }
          sender.machine.unpin(bounds);
          for (const one of rest) {
            const data = take(one);
            if (data !== null) log.push(data);
          }

          const received = new Store(receiver.sql, finishImport(receiver.sql, 1, bounds));
          expect(received.machine.hash()).toBe(hashBefore);
          for (const data of log) received.applyData(data);
          expect(received.machine.hash()).toBe(sender.machine.hash());
        },
      ),
      { numRuns: 200 },
    );
  });
});
