import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import type { ProposeRequest, ReplicaApi } from "../../src/engine/replica-api.ts";
import { createReplicaClient, createReplicaDirectory } from "../../src/gateway/replica-client.ts";
import { header, status, testConfig, watched } from "./fakes.ts";

const TARGET = { cluster: "default", member: "r2" };
const REQUEST: ProposeRequest = { command: new Uint8Array([1]), mayForward: true, timeoutMs: 1_000 };
const CALL = {
  request: new Uint8Array(0),
  consistency: "linearizable",
  minRevision: 0,
  timeoutMs: 1_000,
} as const;

function replica(more: Partial<ReplicaApi> = {}): ReplicaApi {
  return {
    propose: async () => ({
      kind: "applied",
      header: header("r2"),
      index: 1,
      response: new Uint8Array(0),
      complete: true,
    }),
    range: async () => ({ kind: "range", header: header("r2"), response: new Uint8Array(0) }),
    proposeMany: async () => [],
    rangeMany: async () => [],
    readTxn: async () => ({ kind: "txn", header: header("r2"), response: new Uint8Array(0) }),
    query: async () => ({ kind: "answer", header: header("r2"), response: new Uint8Array(0) }),
    watch: async () => watched(header("r2")),
    status: async () => status("r2"),
    ...more,
  };
}

function failing(error: unknown): ReplicaApi {
  const fail = () => Promise.reject(error);
  return replica({ propose: fail, range: fail, readTxn: fail, query: fail, watch: fail, status: fail });
}

function flagged(message: string, flags: object): Error {
  return Object.assign(new Error(message), flags);
}

describe("a call", () => {
  test("tells the replica whom it is for, and a time that ends before the caller's", async () => {
    const propose = vi.fn(replica().propose);
    await createReplicaClient(() => replica({ propose }), TARGET).propose(REQUEST);
    expect(propose).toHaveBeenCalledWith(TARGET, { ...REQUEST, timeoutMs: 900 });
  });

  test("uses a new stub each time", async () => {
    const connect = vi.fn(() => failing(flagged("bye", { durableObjectReset: true })));
    const client = createReplicaClient(connect, TARGET);
    await client.range(CALL);
    connect.mockReturnValue(replica());
    expect(await client.range(CALL)).toMatchObject({ kind: "range" });
    expect(connect).toHaveBeenCalledTimes(2);
  });

  test("survives a stub that cannot even be made", async () => {
    const connect = () => {
      throw new TypeError("no such namespace");
    };
    expect(await createReplicaClient(connect, TARGET).status(10)).toMatchObject({ kind: "unavailable" });
  });
});

describe("platform failures become answers", () => {
  test.each([
    ["a reset object", flagged("bye", { durableObjectReset: true, remote: true }), "no-leader", true],
    ["a lost connection", flagged("Network connection lost.", { retryable: true }), "no-leader", true],
    ["a thrown exception", flagged("oops", { remote: true }), "no-leader", true],
    ["a broken invariant there", new InvariantError("oops"), "no-leader", true],
    ["something that is no error", "oops", "no-leader", true],
    ["a queue that is full", flagged("Too many requests queued", { overloaded: true }), "overloaded", false],
    [
      "a queue that is too large",
      flagged("Too much data queued for a single Durable Object", { overloaded: true }),
      "overloaded",
      false,
    ],
    [
      "an object of another version",
      new TypeError('The RPC receiver does not implement the method "proposeFlat".'),
      "no-leader",
      false,
    ],
    ["an overload amid the work", flagged("exceeded its time", { overloaded: true }), "overloaded", true],
  ] as const)("%s", async (_name, error, reason, unknownOutcome) => {
    const client = createReplicaClient(() => failing(error), TARGET);
    expect(await client.propose(REQUEST)).toMatchObject({
      kind: "unavailable",
      reason,
      unknownOutcome,
      header: null,
    });
    expect(await client.range(CALL)).toMatchObject({ kind: "unavailable", reason, unknownOutcome: false });
    const reply = await client.status(1_000);
    expect(reply).toMatchObject({ kind: "unavailable", reason, unknownOutcome: false });
    expect(reply.kind === "unavailable" && reply.message).toContain("replica r2 cannot be reached");
  });

  test("messages stay short and on one line", async () => {
    const client = createReplicaClient(() => failing(new Error(`${"x".repeat(1_000)}\nstack`)), TARGET);
    const reply = await client.range(CALL);
    expect(reply.kind === "unavailable" && reply.message.length).toBeLessThan(300);
  });
});

describe("deadlines", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("a call without an answer ends, its write unknown", async () => {
    const never = new Promise<never>(() => {});
    const client = createReplicaClient(() => replica({ propose: () => never, status: () => never }), TARGET);
    const write = client.propose(REQUEST);
    const asked = client.status(500);
    await vi.advanceTimersByTimeAsync(500);
    expect(await asked).toMatchObject({ kind: "unavailable", reason: "timeout", unknownOutcome: false });
    await vi.advanceTimersByTimeAsync(500);
    expect(await write).toMatchObject({ kind: "unavailable", reason: "timeout", unknownOutcome: true });
  });

  test("an answered call leaves no timer behind", async () => {
    await createReplicaClient(() => replica(), TARGET).range(CALL);
    await createReplicaClient(() => failing(new Error("x")), TARGET).range(CALL);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a failure after the deadline troubles nobody", async () => {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), 2_000));
    const reading = createReplicaClient(() => replica({ range: () => late }), TARGET).range(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await reading).toMatchObject({ reason: "timeout" });
  });
});

describe("the directory", () => {
  test("finds the object by cluster and member, with its location hint, behind its binding", async () => {
    const standard = { getByName: vi.fn(() => replica()) };
    const own = { getByName: vi.fn(() => replica()) };
    const env = { INITIAL_CLUSTER: "r1=enam,r2=weur@OWN", REPLICA: standard, OWN: own };
    const directory = createReplicaDirectory(env, testConfig(env));
    await directory("default", "r1").status(100);
    await directory("blue", "r2").status(100);
    expect(standard.getByName.mock.calls).toEqual([["default/r1", { locationHint: "enam" }]]);
    expect(own.getByName.mock.calls).toEqual([["blue/r2", { locationHint: "weur" }]]);
  });

  test("keeps a client for as long as its member stays where it is", async () => {
    const standard = { getByName: vi.fn(() => replica()) };
    const env = { INITIAL_CLUSTER: "r1=enam,r2=weur", REPLICA: standard };
    const directory = createReplicaDirectory(env, testConfig(env));
    const place = {
      id: "7".repeat(16),
      name: "r1",
      isFounder: false,
      hint: "oc",
      binding: "REPLICA",
      serves: true,
    };
    const first = directory("default", "r1");
    expect(directory("default", "r1")).toBe(first);
    expect(directory("default", "r2")).not.toBe(first);
    expect(directory("blue", "r1")).not.toBe(first);
    const moved = directory("default", "r1", place);
    expect(directory("default", "r1", place)).toBe(moved);
    await moved.status(100);
    expect(standard.getByName.mock.calls).toEqual([[`default/r1/${place.id}`, { locationHint: "oc" }]]);
    // Another place, or none again, is another object.
    expect(directory("default", "r1", { ...place })).not.toBe(moved);
    await directory("default", "r1").status(100);
    expect(standard.getByName.mock.lastCall).toEqual(["default/r1", { locationHint: "enam" }]);
  });

  test("keeps no more than so many", () => {
    const env = { INITIAL_CLUSTER: "r1=enam", REPLICA: { getByName: () => replica() } };
    const directory = createReplicaDirectory(env, testConfig(env));
    const first = directory("default", "r1");
    for (let cluster = 1; cluster < 1_000; cluster += 1) directory(`c${cluster}`, "r1");
    expect(directory("default", "r1")).toBe(first);
    directory("c1000", "r1");
    expect(directory("default", "r1")).not.toBe(first);
  });

  test("knows no other members", () => {
    const directory = createReplicaDirectory({}, testConfig());
    expect(() => directory("default", "r9")).toThrow(InvariantError);
  });
});
