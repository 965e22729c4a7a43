/** Sessions with the real Worker in the real runtime. */
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { Session } from "../../docs/examples/session.mjs";
import { SessionClient } from "../../scripts/bridge/session-client.ts";
import { SessionConnection } from "../../scripts/bridge/session-connection.ts";
import { SessionEnded, SessionsNotOffered } from "../../scripts/bridge/session-errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { SESSION_PROTOCOL } from "../../src/gateway/session/session-protocol.ts";
import {
  MemberListRequestSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { FromClientSchema, FromServerSchema } from "../../src/wire/gen/session_pb.ts";
import { fromUtf8, utf8 } from "../../src/wire/text.ts";
import { until } from "../harness/processes.ts";
import { WorkerCluster } from "../worker/support/worker-cluster.ts";

const PUT = "/etcdserverpb.KV/Put";
const RANGE = "/etcdserverpb.KV/Range";
const MEMBERS = "/etcdserverpb.Cluster/MemberList";
const CALLS = 3_000;

function encoded<Desc extends DescMessage>(schema: Desc, request: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, request));
}

function put(client: SessionClient, key: string, value: string) {
  return client.call(PUT, encoded(PutRequestSchema, { key: utf8(key), value: utf8(value) }));
}

async function get(client: SessionClient, key: string, metadata: Readonly<Record<string, string>> = {}) {
  const request = encoded(RangeRequestSchema, {
    key: utf8(key),
    serializable: "x-edged-replica" in metadata,
  });
  const answer = await client.call(RANGE, request, metadata);
  expect(answer.message).toBe("");
  const [pair] = fromBinary(RangeResponseSchema, answer.response).kvs;
  return { value: pair === undefined ? null : fromUtf8(pair.value), answer };
}

describe("in an open deployment", () => {
  let cluster: WorkerCluster;
  let url = "";

  beforeAll(async () => {
    cluster = await WorkerCluster.start({ replicas: 3, vars: { ALLOW_CLUSTER_CREATE: "true" } });
    url = cluster.client.url.replace(/\/$/, "");
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  function revisionOf({ response }: Awaited<ReturnType<typeof put>>): number {
    return Number(fromBinary(PutResponseSchema, response).header?.revision);
  }

  test("thousands of calls at a time are each done once", { timeout: 60_000 }, async () => {
    const client = new SessionClient(url, { sessions: 2 });
    const before = revisionOf(await put(client, "load", "begin"));
    const keys = Array.from({ length: CALLS }, (_, n) => `load/${n}`);
    const answers = await Promise.all(keys.map((key) => put(client, key, key)));
    expect(answers.filter(({ code }) => code !== 0)).toEqual([]);
    const revisions = answers.map(revisionOf);
    expect(new Set(revisions).size).toBe(CALLS);
    expect(Math.max(...revisions)).toBe(before + CALLS);
    const found = await Promise.all(keys.map(async (key) => (await get(client, key)).value));
    expect(found).toEqual(keys);
    client.close();
  });

  test("a session ends before the platform's limit, and no call is lost by it", {
    timeout: 120_000,
  }, async () => {
    let isOver = false;
    const session = await SessionConnection.open(url, {}, () => {
      isOver = true;
    });
    const signal = new AbortController().signal;
    const call = {
      path: MEMBERS,
      request: encoded(MemberListRequestSchema, {}),
      metadata: {},
      timeoutMs: null,
    };
    let answered = 0;
    let ended = 0;
    while (!isOver) {
      const calls = Array.from({ length: LIMITS.sessionCallsMax / 2 }, () => session.call(call, signal));
      for (const outcome of await Promise.allSettled(calls)) {
        if (outcome.status === "fulfilled" && outcome.value.code === 0) answered += 1;
        else if (outcome.status === "fulfilled") expect(outcome.value.notBegun).toBe(true);
        else expect(outcome.reason).toBeInstanceOf(SessionEnded);
        if (outcome.status !== "fulfilled" || outcome.value.code !== 0) ended += 1;
      }
    }
    expect(answered).toBeGreaterThan(LIMITS.sessionReplicaCallsMax / 2);
    expect(ended).toBeLessThan(LIMITS.sessionCallsMax);
    await expect(session.call(call, signal)).rejects.toBeInstanceOf(SessionEnded);
  });

  test("a call that is cancelled is over at once; the others go on", async () => {
    const client = new SessionClient(url);
    await put(client, "cancelled", "v");
    await cluster.suffer({ kind: "partition", sides: [["r1"], ["r2"], ["r3"]] });
    const cancel = new AbortController();
    const request = encoded(RangeRequestSchema, { key: utf8("cancelled") });
    const call = client.call(RANGE, request, {}, { signal: cancel.signal });
    const gone = new Error("gone");
    setImmediate(() => cancel.abort(gone));
    await expect(call).rejects.toBe(gone);
    const late = await client.call(RANGE, request, {}, { timeoutMs: 200 });
    await cluster.heal();
    // Whichever comes first: the time is over, or nobody leads any more.
    expect(["context deadline exceeded", "etcdserver: no leader"]).toContain(late.message);
    await until("it answers again", async () =>
      (await get(client, "cancelled")).value === "v" ? true : null,
    );
    client.close();
  });

  test("frames of no form are named, and the session goes on", async () => {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/session`, [SESSION_PROTOCOL]);
    const told: string[] = [];
    socket.on("message", (data: Buffer) => {
      const { welcome, problems, answers } = fromBinary(FromServerSchema, data);
      if (welcome !== undefined) told.push("welcome");
      for (const { messageNumber, text } of problems) told.push(`${messageNumber} ${text}`);
      for (const { id, code } of answers) told.push(`${id}: ${code}`);
    });
    await new Promise((opened) => socket.once("open", opened));
    socket.send("text");
    socket.send(Uint8Array.of(0xff, 0xff));
    const call = Uint8Array.of(8, 1, 18, MEMBERS.length, ...utf8(MEMBERS));
    socket.send(Uint8Array.of(10, call.length, ...call));
    await until("the call is answered", async () => (told.includes("1: 0") ? true : null));
    expect(told.slice(0, 3)).toEqual([
      "welcome",
      "1 the message is text: calls come in binary messages",
      expect.stringContaining("2 the message is not a FromClient"),
    ]);
    socket.terminate();
  });

  test("who does not take answers gets no more than fit, and all when they are taken", async () => {
    const client = new SessionClient(url);
    const value = "v".repeat(1024 * 1024);
    expect((await put(client, "large", value)).code).toBe(0);
    client.close();
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/session`, [SESSION_PROTOCOL]);
    let taken = 0;
    let answers = 0;
    let problems = 0;
    socket.on("message", (data: Buffer) => {
      taken += data.length;
      const message = fromBinary(FromServerSchema, data);
      answers += message.answers.length;
      problems += message.problems.length;
    });
    await new Promise((opened) => socket.once("open", opened));
    const request = encoded(RangeRequestSchema, { key: utf8("large") });
    const calls = Array.from({ length: 24 }, (_, place) => ({ id: place + 1, path: RANGE, request }));
    const tell = (message: MessageInitShape<typeof FromClientSchema>): void =>
      socket.send(encoded(FromClientSchema, message));
    tell({ calls });
    await until("as many have come as fit", async () => (answers >= 8 ? true : null));
    socket.send("is anybody there?");
    await until("the server has answered that", async () => (problems === 1 ? true : null));
    expect(answers).toBeLessThan(12);
    await until("all have come", async () => {
      tell({ takenBytes: BigInt(taken) });
      return answers === 24 ? true : null;
    });
    socket.terminate();
  });

  test("other clusters have their own, and a call names its replica", async () => {
    const client = new SessionClient(url);
    const other = new SessionClient(`${url}/clusters/other`);
    await put(client, "where", "default");
    await put(other, "where", "other");
    expect((await get(client, "where")).value).toBe("default");
    expect((await get(other, "where")).value).toBe("other");
    for (const replica of ["r1", "r2", "r3"]) {
      const { answer } = await get(client, "where", { "x-edged-replica": replica });
      expect(answer.origin?.replica).toBe(replica);
    }
    client.close();
    other.close();
  });

  test("a request that is none is told what to do", async () => {
    expect((await fetch(`${url}/session`)).status).toBe(426);
    expect((await fetch(`${url}/session`, { method: "POST" })).status).toBe(405);
    const status = await new Promise<number>((answered) => {
      const socket = new WebSocket(`${url.replace(/^http/, "ws")}/session`, ["other"]);
      socket.on("unexpected-response", (_request, { statusCode = 0 }) => answered(statusCode));
      socket.on("error", () => undefined);
    });
    expect(status).toBe(400);
  });

  test("the example of the documentation works", async () => {
    const session = await Session.open(url);
    await Promise.all(Array.from({ length: 50 }, (_, n) => session.put(`example/${n}`, `value ${n}`)));
    expect(await session.get("example/49")).toBe("value 49");
    expect(await session.get("nothing")).toBeNull();
    const refusal = session.put("", "v");
    await expect(refusal).rejects.toMatchObject({ code: 3, message: "etcdserver: key is not provided" });
    session.close();
  });
});

test("with an API_TOKEN a session needs it, in a header or in a subprotocol", async () => {
  const vars = { API_TOKEN: "se+cret/ÿ".slice(0, 8), ALLOW_ANONYMOUS: "false" };
  await using cluster = await WorkerCluster.start({ replicas: 1, vars });
  const url = cluster.client.url.replace(/\/$/, "");
  const refused = SessionConnection.open(url, {}, () => undefined);
  await expect(refused).rejects.toBeInstanceOf(SessionsNotOffered);
  await expect(refused).rejects.toMatchObject({ status: 401 });
  const client = new SessionClient(url, { token: vars.API_TOKEN });
  await until("there is a leader", async () => ((await put(client, "a", "b")).code === 0 ? true : null));
  client.close();
  await expect(Session.open(url, "wrong")).rejects.toThrow("there is no session");
  const session = await Session.open(url, vars.API_TOKEN);
  expect(await session.get("a")).toBe("b");
  session.close();
});
