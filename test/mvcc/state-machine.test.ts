/** Where etcd's behaviour has corners that random operations reach seldom, and the machine's own bounds. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { isTooLarge, validateCommand } from "../../src/mvcc/validate.ts";
import { type Command, CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import {
  PutResponseSchema,
  type RangeRequest_SortTarget,
  type RequestOp,
  RequestOpSchema,
  type TxnRequest,
  TxnRequestSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";
import { bytes, compactOf, deleteOf, putOf, Store, txnOf } from "./harness.ts";

/** A number that the schema has no name for, as the wire may bring one. */
const NAMELESS = 9 as RangeRequest_SortTarget;
const NUL = new Uint8Array([0]);
let restore = (): void => undefined;

const opPut = (key: string, rest: object = {}): RequestOp =>
  create(RequestOpSchema, { request: { case: "requestPut", value: { key: bytes(key), ...rest } } });
const opDelete = (key: string, rangeEnd: Uint8Array = bytes("")): RequestOp =>
  create(RequestOpSchema, { request: { case: "requestDeleteRange", value: { key: bytes(key), rangeEnd } } });
const opRange = (key: string, rest: object = {}): RequestOp =>
  create(RequestOpSchema, { request: { case: "requestRange", value: { key: bytes(key), ...rest } } });
const opTxn = (success: readonly RequestOp[], failure: readonly RequestOp[] = []): RequestOp =>
  create(RequestOpSchema, {
    request: { case: "requestTxn", value: { success: [...success], failure: [...failure] } },
  });
const txn = (...success: readonly RequestOp[]): TxnRequest =>
  create(TxnRequestSchema, { success: [...success] });

const check = (request: TxnRequest) => validateCommand(txnOf(request));

describe("a log entry", () => {
  it("without data changes nothing", () => {
    const store = new Store();
    const before = store.machine.state();
    expect(store.applyData(new Uint8Array(0))).toEqual({ outcomes: [], revisionBefore: 1, revisionAfter: 1 });
    expect(store.machine.state()).toEqual(before);
  });

  it("that is no batch halts the replica", () => {
    expect(() => new Store().applyData(new Uint8Array([0xff, 0xff]))).toThrow(/entry 1 is no batch/);
  });

  it("tells which revisions it wrote", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a") }));
    const result = store.apply(
      putOf({ key: bytes("a") }),
      deleteOf({ key: bytes("missing") }),
      putOf({ key: bytes("") }),
      txnOf(txn(opPut("b"), opPut("c"))),
    );
    expect(result).toMatchObject({ revisionBefore: 2, revisionAfter: 4 });
    expect(result.outcomes.map((outcome) => outcome.revision)).toEqual([3, 3, 3, 4]);
  });

  it("with a command that says nothing is refused, not misunderstood", () => {
    expect(new Store().do(create(CommandSchema))).toBe("invalidCommand");
    const opId = new Uint8Array(100_000);
    expect(new Store().do(putOf({ key: bytes("a") }, { opId, seen: 0n }))).toBe("invalidCommand");
  });

  it("gives a header with nothing but the revision", () => {
    const [outcome] = new Store().apply(putOf({ key: bytes("a") })).outcomes;
    if (outcome?.kind !== "applied") throw new Error("a put is applied");
    expect(fromBinary(PutResponseSchema, outcome.response).header).toMatchObject({
      clusterId: 0n,
      memberId: 0n,
      revision: 2n,
      raftTerm: 0n,
    });
  });
});

describe("leases, until they can be granted", () => {
  it("do not exist: before the key is looked at in a put, after it in a transaction", () => {
    const store = new Store();
    expect(store.do(putOf({ key: bytes("a"), lease: 7n }))).toBe("leaseNotFound");
    expect(store.do(putOf({ key: bytes("a"), lease: 7n, ignoreValue: true }))).toBe("leaseNotFound");
    expect(store.do(txnOf(txn(opPut("a", { lease: 7n, ignoreValue: true }))))).toBe("keyNotFound");
    expect(store.do(txnOf(txn(opPut("b"), opPut("a", { lease: 7n }))))).toBe("leaseNotFound");
    expect(store.machine.state().revision).toBe(1);
  });
});

describe("what a transaction may not hold", () => {
  it("a key twice on a path, in any order and at any depth", () => {
    expect(check(txn(opPut("a"), opPut("a")))).toBe("duplicateKey");
    expect(check(txn(opPut("a"), opDelete("a")))).toBe("duplicateKey");
    expect(check(txn(opDelete("a", bytes("c")), opPut("b")))).toBe("duplicateKey");
    expect(check(txn(opTxn([opPut("a")]), opPut("a")))).toBe("duplicateKey");
    expect(check(txn(opTxn([], [opPut("a")]), opDelete("a")))).toBe("duplicateKey");
    expect(check(txn(opTxn([opDelete("a")]), opTxn([], [opPut("a")])))).toBe("duplicateKey");
  });

  it("but alternatives, repeated deletes and intervals that etcd does not see are fine", () => {
    expect(check(txn(opTxn([opPut("a")], [opPut("a")])))).toBeNull();
    expect(check(txn(opDelete("a"), opDelete("a", bytes("b"))))).toBeNull();
    expect(check(txn(opPut("z"), opDelete("m", NUL)))).toBeNull();
    expect(check(txn(opPut("b"), opDelete("c", bytes("a"))))).toBeNull();
    // etcd holds nested puts against the deletes of earlier siblings only.
    expect(check(txn(opTxn([opPut("a")]), opTxn([opDelete("a")])))).toBeNull();
  });

  it("too many operations, counted as etcd counts nested ones", () => {
    const puts = (count: number) => Array.from({ length: count }, (_, i) => opPut(`k${i}`));
    expect(check(txn(...puts(LIMITS.txnOpsMax)))).toBeNull();
    expect(check(txn(...puts(LIMITS.txnOpsMax + 1)))).toBe("tooManyOps");
    expect(check(txn(opTxn(puts(127))))).toBeNull();
    expect(check(txn(opTxn(puts(128))))).toBe("tooManyOps");
    expect(check(txn(opRange("x"), opTxn(puts(127))))).toBe("tooManyOps");
  });

  it("nothing, though it has thousands of nested deletes and puts", () => {
    const branch = (make: (key: string) => RequestOp) =>
      Array.from({ length: 60 }, (_, i) => opTxn(Array.from({ length: 60 }, (_, j) => make(`${i}-${j}`))));
    const deletes = opTxn(branch((key) => opDelete(`d${key}`)));
    expect(check(txn(deletes, opTxn(branch((key) => opPut(`p${key}`)))))).toBeNull();
    expect(check(txn(deletes, opTxn(branch((key) => opPut(`${key === "59-59" ? "d" : "p"}${key}`)))))).toBe(
      "duplicateKey",
    );
  });

  it("a put that keeps the value of a key deleted before it: refused where etcd's process ends", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("z") }));
    expect(store.do(txnOf(txn(opDelete("m", NUL), opPut("z", { ignoreValue: true }))))).toBe("keyNotFound");
    expect(store.do(txnOf(txn(opPut("z", { ignoreValue: true }), opDelete("m", NUL))))).toMatchObject({
      header: { revision: 3n },
    });
    expect(store.range({ key: bytes("z") })).toMatchObject({ count: 0n });
  });

  it("a sort target without a name", () => {
    expect(check(txn(opRange("a", { sortTarget: NAMELESS })))).toBe("invalidSortOption");
    expect(new Store().range({ key: bytes("a"), sortTarget: NAMELESS })).toBe("invalidSortOption");
  });
});

describe("a transaction that reads a revision", () => {
  it("sees history up to its own beginning, not what it writes", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a"), value: bytes("old") }));
    const request = txn(opPut("a", { value: bytes("new") }), opRange("a", { revision: 2n }), opRange("a"));
    expect(store.do(txnOf(request))).toMatchObject({
      responses: [
        {},
        { response: { value: { header: { revision: 3n }, kvs: [{ value: bytes("old") }] } } },
        { response: { value: { header: { revision: 3n }, kvs: [{ value: bytes("new") }] } } },
      ],
    });
    expect(store.do(txnOf(txn(opPut("a"), opRange("a", { revision: 4n }))))).toBe("futureRevision");
    expect(store.machine.state().revision).toBe(3);
  });
});

describe("the size of a request", () => {
  it("is judged where etcd judges it, whatever the id weighs", () => {
    const sized = (valueBytes: number, id?: { opId: Uint8Array; seen: bigint }) => {
      const command = putOf({ key: bytes("big"), value: new Uint8Array(valueBytes) }, id);
      return isTooLarge(command, toBinary(CommandSchema, command).length);
    };
    for (const id of [undefined, { opId: new Uint8Array(16), seen: 123_456n }]) {
      expect(sized(1_572_830, id)).toBe(false);
      expect(sized(1_572_840, id)).toBe(true);
    }
  });
});

describe("answers that would not fit", () => {
  const large = new Uint8Array(1_500_000);
  const count = Math.ceil(LIMITS.answerBytesMax / large.length) + 1;

  function fullStore(): Store {
    const store = new Store();
    for (let i = 0; i < count; i += 1) store.apply(putOf({ key: bytes(`k${i}`), value: large }));
    return store;
  }

  it("a range is refused unless it asks for less", () => {
    const store = fullStore();
    const all = { key: bytes("k"), rangeEnd: bytes("l") };
    expect(store.range(all)).toBe("answerTooLarge");
    expect(store.range({ ...all, sortOrder: 2 })).toBe("answerTooLarge");
    expect(store.range({ ...all, sortTarget: 4 })).toBe("answerTooLarge");
    expect(store.range({ ...all, keysOnly: true })).toMatchObject({ count: BigInt(count) });
    expect(store.range({ ...all, limit: 2n, sortTarget: 4, sortOrder: 2 })).toMatchObject({ more: true });
    expect(store.range({ ...all, limit: 2n })).toMatchObject({ count: BigInt(count), more: true });
  });

  it("a write is done all the same, and its answer reduced to the header", () => {
    const store = fullStore();
    const { revision } = store.machine.state();
    const command = deleteOf({ key: bytes("k"), rangeEnd: bytes("l"), prevKv: true });
    const { outcomes } = store.apply(command);
    expect(outcomes).toMatchObject([{ kind: "applied", complete: false, revision: revision + 1 }]);
    expect(store.range({ key: NUL, rangeEnd: NUL })).toMatchObject({ count: 0n });
  });
});

describe("what a command may answer", () => {
  afterEach(() => restore());

  it("is as much for each, whatever those before it were answered", () => {
    // An answered pair counts its bytes and some 32 more: two fit here, three do not.
    restore = overrideLimits({ answerBytesMax: 80 });
    const store = new Store();
    const isComplete = (...commands: readonly Command[]) =>
      store.apply(...commands).outcomes.map((one) => one.kind === "applied" && one.complete);
    const put = putOf({ key: bytes("a"), prevKv: true });
    expect(isComplete(put, put, put, put)).toEqual([true, true, true, true]);
    store.apply(putOf({ key: bytes("b") }), putOf({ key: bytes("c") }));
    const remove = deleteOf({ key: bytes("a"), rangeEnd: NUL, prevKv: true });
    expect(isComplete(remove, remove, put, put)).toEqual([false, true, true, true]);
  });
});

describe("compaction", () => {
  it("keeps the newest version at its revision, and a deletion only if it is of that revision", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a") }), deleteOf({ key: bytes("a") }), putOf({ key: bytes("b") }));
    store.apply(putOf({ key: bytes("b") }), putOf({ key: bytes("c") }), deleteOf({ key: bytes("c") }));
    const mains = () => store.sql.all("SELECT main FROM kv_0 ORDER BY ord").map(([main]) => main);
    expect(mains()).toEqual([2, 3, 4, 5, 6, 7]);
    const hash = (revision: number) => {
      store.apply(compactOf(revision));
      const before = store.machine.hash();
      expect(store.machine.hasGarbage()).toBe(true);
      while (!store.collect(1)) expect(store.machine.hash()).toBe(before);
      expect(store.machine.hash()).toBe(before);
      expect(store.machine.hasGarbage()).toBe(false);
    };
    hash(3);
    expect(mains()).toEqual([3, 4, 5, 6, 7]);
    hash(5);
    expect(mains()).toEqual([5, 6, 7]);
    hash(7);
    expect(mains()).toEqual([5, 7]);
    store.apply(putOf({ key: bytes("d") }));
    hash(8);
    expect(mains()).toEqual([5, 8]);
  });

  it("waits with deleting while a snapshot of the past is being sent", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a") }), putOf({ key: bytes("a") }));
    const pin = store.machine.pin();
    store.apply(compactOf(3));
    expect(store.collect(10)).toBe(true);
    expect(store.sql.first("SELECT count(*) FROM kv_0")).toEqual([2]);
    store.machine.unpin(pin);
    expect(store.machine.hasGarbage()).toBe(true);
    expect(store.collect(10)).toBe(true);
    expect(store.sql.first("SELECT count(*) FROM kv_0")).toEqual([1]);
  });

  it("never lowers the revision, even when nothing but a deletion was left", () => {
    const store = new Store();
    store.apply(putOf({ key: bytes("a") }), deleteOf({ key: bytes("a") }), compactOf(3));
    while (!store.collect(1));
    store.reload();
    expect(store.do(putOf({ key: bytes("a") }))).toMatchObject({ header: { revision: 4n } });
  });
});

describe("a read at an old revision", () => {
  it("finds its place in a history with gaps", () => {
    const store = new Store();
    for (let i = 0; i < 50; i += 1) store.apply(putOf({ key: bytes(`k${i % 7}`), value: bytes(`${i}`) }));
    store.apply(compactOf(30));
    while (!store.collect(7));
    for (let revision = 30; revision <= 51; revision += 1) {
      const found = store.range({ key: bytes("k"), rangeEnd: bytes("l"), revision: BigInt(revision) });
      if (typeof found === "string") throw new Error(found);
      const newest = Math.max(...found.kvs.map((kv) => Number(kv.modRevision)));
      expect(newest).toBe(revision);
      expect(found.count).toBe(7n);
    }
    expect(store.range({ key: bytes("k0"), revision: 29n })).toBe("compacted");
    expect(store.range({ key: bytes("k0"), revision: 52n })).toBe("futureRevision");
  });
});

describe("more keys than one page", () => {
  const keyOf = (i: number) => bytes(`k${String(i).padStart(5, "0")}`);
  const all = { key: bytes("k"), rangeEnd: bytes("l") };
  const keys = 2 * LIMITS.pageKeysMax + 100;

  function longStore(valueBytes: number): Store {
    const store = new Store();
    for (let i = 0; i < keys; i += 100) {
      const puts = Array.from({ length: 100 }, (_, j) =>
        putOf({ key: keyOf(i + j), value: new Uint8Array(valueBytes).fill(i) }),
      );
      store.apply(...puts);
    }
    return store;
  }

  it("are read, sorted, filtered, counted and deleted to the last", () => {
    const store = longStore(1);
    const stored = Math.ceil(keys / 100) * 100;
    // Every third key is gone, so that pages meet deletions.
    for (let i = 0; i < stored; i += 3) store.apply(deleteOf({ key: keyOf(i) }));
    const live = Array.from({ length: stored }, (_, i) => i).filter((i) => i % 3 !== 0);
    const found = (request: object) => {
      const result = store.range({ ...all, ...request });
      if (typeof result === "string") throw new Error(result);
      return { keys: result.kvs.map((kv) => new TextDecoder().decode(kv.key)), count: Number(result.count) };
    };
    const names = live.map((i) => new TextDecoder().decode(keyOf(i)));
    for (const keysOnly of [true, false]) {
      expect(found({ keysOnly })).toEqual({ keys: names, count: live.length });
      expect(found({ keysOnly, sortOrder: 2 })).toEqual({ keys: names.toReversed(), count: live.length });
      const filtered = { keysOnly, minCreateRevision: 1_502n, limit: 3n };
      expect(found(filtered)).toEqual({
        keys: names.filter((name) => name >= "k01500").slice(0, 3),
        count: live.length,
      });
    }
    expect(found({ countOnly: true }).count).toBe(live.length);
    expect(found({ sortTarget: 3, limit: 2n }).count).toBe(live.length);
    const compare = { ...all, target: 0, result: 0, targetUnion: { case: "version", value: 1n } } as const;
    const holds = () => store.do(txnOf({ compare: [compare] }));
    expect(holds()).toMatchObject({ succeeded: true });
    store.apply(putOf({ key: keyOf(live.at(-1) ?? 0) }));
    expect(holds()).toMatchObject({ succeeded: false });
    expect(store.do(deleteOf(all))).toMatchObject({ deleted: BigInt(live.length) });
    expect(found({})).toEqual({ keys: [], count: 0 });
  });

  it("are read to the last when pages end by their bytes", () => {
    const store = longStore(5_000);
    const result = store.range(all);
    expect(result).toMatchObject({ count: 2_200n, more: false });
    if (typeof result !== "string") expect(result.kvs).toHaveLength(2_200);
    expect(store.do(deleteOf({ ...all, prevKv: true }))).toMatchObject({ deleted: 2_200n });
    expect(store.range(all)).toMatchObject({ count: 0n });
  });
});
