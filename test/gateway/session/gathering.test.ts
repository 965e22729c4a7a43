/** Calls of one session to replicas. */
import { expect, test } from "vitest";
import type { ProposeRequest, RangeCall, ReplicaApi } from "../../../src/engine/replica-api.ts";
import { createReplicaClient } from "../../../src/gateway/replica-client.ts";
import { Gathering } from "../../../src/gateway/session/gathering.ts";
import { header, status, watched } from "../fakes.ts";
import { ManualClock } from "./harness.ts";

const TARGET = { cluster: "default", member: "r2" };
const NOTHING = new Uint8Array(0);

function request(byte: number): ProposeRequest {
  return { command: Uint8Array.of(byte), mayForward: true, timeoutMs: 1_000 };
}

function read(consistency: RangeCall["consistency"]): RangeCall {
  return { request: NOTHING, consistency, minRevision: 0, timeoutMs: 1_000 };
}

/** Answers writes with their own byte, and notes which calls it gets. */
function replica(more: Partial<ReplicaApi> = {}) {
  const calls: string[] = [];
  const applied = ({ command }: ProposeRequest) =>
    ({
      kind: "applied",
      header: header("r2"),
      index: command[0] ?? 0,
      response: NOTHING,
      complete: true,
    }) as const;
  const range = { kind: "range", header: header("r2"), response: NOTHING } as const;
  const api: ReplicaApi = {
    propose: async (_target, one) => {
      calls.push(`propose ${one.command[0]} ${one.timeoutMs}`);
      return applied(one);
    },
    proposeMany: async (_target, all) => {
      calls.push(`propose ${all.map(({ command }) => command[0])} ${all[0]?.timeoutMs}`);
      return all.map(applied);
    },
    range: async () => {
      calls.push("range");
      return range;
    },
    rangeMany: async (_target, all) => {
      calls.push(`range ${all.map(({ consistency }) => consistency)}`);
      return all.map(() => range);
    },
    readTxn: async () => ({ kind: "txn", header: header("r2"), response: NOTHING }),
    query: async () => ({ kind: "answer", header: header("r2"), response: NOTHING }),
    watch: async () => watched(header("r2")),
    status: async () => status("r2"),
    ...more,
  };
  const gathering = new Gathering(new ManualClock());
  const connect = gathering.counted(() => api);
  const client = createReplicaClient(connect, TARGET, gathering);
  return { calls, gathering, connect, client };
}

test("writes share a call, reads share one of their freshness; each has its own answer", async () => {
  const { calls, client, gathering } = replica();
  const writes = [1, 2, 3].map((byte) => client.propose(request(byte)));
  const reads = (["linearizable", "serializable", "linearizable", "serializable"] as const).map((freshness) =>
    client.range(read(freshness)),
  );
  expect(await Promise.all(writes)).toMatchObject([{ index: 1 }, { index: 2 }, { index: 3 }]);
  expect(await Promise.all(reads)).toMatchObject(reads.map(() => ({ kind: "range" })));
  expect(calls).toEqual([
    "propose 1,2,3 900",
    "range linearizable,linearizable",
    "range serializable,serializable",
  ]);
  expect(gathering.calls).toBe(3);
});

test("one alone is the call that it always was", async () => {
  const { calls, client } = replica();
  await client.propose(request(1));
  await client.range(read("linearizable"));
  expect(calls).toEqual(["propose 1 900", "range"]);
});

test("a call that is lost leaves all of its writes unknown, and its reads not", async () => {
  const lost = () => Promise.reject(Object.assign(new Error("gone"), { retryable: true }));
  const { client } = replica({ proposeMany: lost, rangeMany: lost });
  const outcomes = await Promise.all([
    client.propose(request(1)),
    client.propose(request(2)),
    client.range(read("linearizable")),
    client.range(read("linearizable")),
  ]);
  expect(outcomes).toMatchObject([true, true, false, false].map((unknownOutcome) => ({ unknownOutcome })));
});

test("reads that do not fit one answer are asked alone", async () => {
  const { calls, client } = replica({
    rangeMany: async (_target, all) =>
      all.map((_, place) =>
        place === 0 ? { kind: "range", header: header("r2"), response: NOTHING } : { kind: "alone" },
      ),
  });
  const reads = [0, 1].map(() => client.range(read("linearizable")));
  expect(await Promise.all(reads)).toMatchObject([{ kind: "range" }, { kind: "range" }]);
  expect(calls).toEqual(["range"]);
});

test("a replica of an earlier version is asked one by one", async () => {
  const { calls, client } = replica({
    proposeMany: () =>
      Promise.reject(new TypeError('The RPC receiver does not implement the method "proposeMany".')),
  });
  const writes = [1, 2].map((byte) => client.propose(request(byte)));
  expect(await Promise.all(writes)).toMatchObject([{ index: 1 }, { index: 2 }]);
  expect(calls).toEqual(["propose 1 900", "propose 2 900"]);
});

test("when the platform allows no more calls, the session is told so", async () => {
  const { client, gathering } = replica({
    propose: () => Promise.reject(new Error("Too many subrequests by single Worker invocation.")),
  });
  expect(await client.propose(request(1))).toMatchObject({ kind: "unavailable" });
  expect(gathering.calls).toBe(Number.POSITIVE_INFINITY);
});

test("those that may take long are counted, and made apart", async () => {
  const { calls, gathering, connect } = replica();
  const client = createReplicaClient(gathering.apart.counted(connect), TARGET, gathering.apart);
  await Promise.all([client.propose(request(1)), client.propose(request(2))]);
  expect(calls).toEqual(["propose 1 900", "propose 2 900"]);
  expect(gathering.calls).toBeGreaterThanOrEqual(2);
});
