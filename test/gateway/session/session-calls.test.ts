/** What becomes of one call: the same as over gRPC-web and Connect. */
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Config } from "../../../src/durable/config.ts";
import { LeaderRouter } from "../../../src/gateway/leader-router.ts";
import { Passwords } from "../../../src/gateway/passwords.ts";
import type { Services } from "../../../src/gateway/services.ts";
import { SessionCalls } from "../../../src/gateway/session/session-calls.ts";
import { tokenDigest } from "../../../src/gateway/sign-in-token.ts";
import {
  DeleteRangeRequestSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  WatchRequestSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { type Answer, CallSchema } from "../../../src/wire/gen/session_pb.ts";
import { fromUtf8, utf8 } from "../../../src/wire/text.ts";
import { ENV, FakeClock, FakeEntropy, FakeStore, fakeReplicas, testConfig } from "../fakes.ts";

function testCalls(config: Config = testConfig()) {
  const store = new FakeStore();
  const replicas = fakeReplicas(store);
  const [clock, entropy] = [new FakeClock(), new FakeEntropy()];
  const members = config.members.map(({ name }) => name);
  const router = new LeaderRouter(replicas.directory, clock, entropy, {
    members,
    budgetMs: 10_000,
    attemptMs: 1_000,
  });
  const services: Services = { config, router, clock, entropy, passwords: new Passwords(entropy) };
  const logged: unknown[] = [];
  const calls = new SessionCalls({
    sharing: services,
    apart: services,
    arrival: {
      cluster: "default",
      pin: null,
      token: null,
      baseUrl: "http://gateway",
      signal: new AbortController().signal,
      outlive: () => undefined,
    },
    log: (_message, error) => logged.push(error),
  });
  let id = 0;
  const call = <Desc extends DescMessage>(
    path: string,
    schema: Desc,
    request: MessageInitShape<Desc>,
    metadata: Readonly<Record<string, string>> = {},
    timeoutMs = 0,
  ): Promise<Answer> => {
    id += 1;
    const bytes = toBinary(schema, create(schema, request));
    return calls.serve(
      create(CallSchema, { id, path, request: bytes, metadata: { ...metadata }, timeoutMs }),
    );
  };
  const put = (key: string, metadata = {}, timeoutMs = 0): Promise<Answer> =>
    call("/etcdserverpb.KV/Put", PutRequestSchema, { key: utf8(key), value: utf8("v") }, metadata, timeoutMs);
  return { calls, call, put, store, replicas, logged };
}

describe("a call", () => {
  test("is answered by its method, with where the answer comes from", async () => {
    const { call, put } = testCalls();
    const written = await put("a");
    expect(written).toMatchObject({ id: 1, code: 0, origin: { revision: 2n, term: 2n, leader: "r1" } });
    expect(fromBinary(PutResponseSchema, written.response).header?.revision).toBe(2n);
    const read = await call("/etcdserverpb.KV/Range", RangeRequestSchema, { key: utf8("a") });
    const { kvs } = fromBinary(RangeResponseSchema, read.response);
    expect(kvs.map(({ value }) => fromUtf8(value))).toEqual(["v"]);
  });

  test("is refused in etcd's words", async () => {
    const { put } = testCalls();
    expect(await put("")).toMatchObject({ code: 3, message: "etcdserver: key is not provided" });
  });

  test.each([
    ["/etcdserverpb.KV/Nope", 12, "there is no method /etcdserverpb.KV/Nope"],
    ["/etcdserverpb.Watch/Watch", 12, "the call may last: it needs a request of its own"],
    ["/v3lockpb.Lock/Lock", 12, "the call may last: it needs a request of its own"],
  ])("%s is none for a session", async (path, code, message) => {
    const { call } = testCalls();
    expect(await call(path, WatchRequestSchema, {})).toMatchObject({ code, message, notBegun: true });
  });

  test("whose request is none, or too large, reaches nobody", async () => {
    const { calls, replicas, put } = testCalls();
    const path = "/etcdserverpb.KV/Put";
    const request = Uint8Array.of(0xff);
    const answer = await calls.serve(create(CallSchema, { id: 1, path, request }));
    expect(answer).toMatchObject({
      code: 3,
      message: "the request is no etcdserverpb.PutRequest",
      notBegun: true,
    });
    expect(await put("x".repeat(LIMITS.receiveBytesMax))).toMatchObject({ code: 8, notBegun: true });
    expect(replicas.calls).toEqual([]);
  });

  test("under one idempotency-key is one operation, as in an HTTP request", async () => {
    const { put, store } = testCalls();
    const first = await put("a", { "idempotency-key": "once" });
    const again = await put("a", { "idempotency-key": "once" });
    expect(fromBinary(PutResponseSchema, again.response).header?.revision).toBe(
      fromBinary(PutResponseSchema, first.response).header?.revision,
    );
    expect(store.revision).toBe(2);
    expect(await put("a", { "idempotency-key": "no spaces" })).toMatchObject({ code: 3, notBegun: true });
  });

  test("is made for the user whose token it has, at the replica that it names", async () => {
    const { put, replicas } = testCalls();
    await put("a", { token: "t", "x-edged-replica": "r3" });
    const { member, call } = replicas.calls.findLast(({ method }) => method === "propose") ?? {};
    expect(member).toBe("r3");
    expect(call).toMatchObject({ token: await tokenDigest("t") });
    expect(await put("a", { "x-edged-replica": "r9" })).toMatchObject({ code: 3, notBegun: true });
  });

  test("takes authorization for a user's token only where the deployment has none of its own", async () => {
    const open = testCalls();
    await open.put("a", { authorization: "t" });
    const guarded = testCalls(testConfig({ ...ENV, API_TOKEN: "secret" }));
    await guarded.put("a", { authorization: "t" });
    const tokenTold = ({ replicas }: typeof open): unknown =>
      replicas.calls.findLast(({ method }) => method === "propose")?.call;
    expect(tokenTold(open)).toMatchObject({ token: await tokenDigest("t") });
    expect(tokenTold(guarded)).toMatchObject({ token: null });
  });

  test("with a deadline is told so when it passes", async () => {
    const { call, put, replicas } = testCalls();
    await put("a");
    for (const member of ["r1", "r2", "r3"]) {
      replicas.down.set(member, () => ({
        kind: "unavailable",
        reason: "timeout",
        message: "",
        unknownOutcome: true,
        header: null,
      }));
    }
    expect(await put("a", {}, 50)).toMatchObject({ code: 4, message: "context deadline exceeded" });
    const request = { key: utf8("a") };
    const path = "/etcdserverpb.KV/DeleteRange";
    expect(await call(path, DeleteRangeRequestSchema, request)).toMatchObject({
      code: 14,
      message: "etcdserver: request timed out",
      notBegun: false,
    });
  });

  test("that fails in a way that nobody expected says no more than that", async () => {
    const { put, replicas, logged } = testCalls();
    replicas.down.set("r1", () => {
      throw new Error("secrets");
    });
    replicas.down.set("r2", () => {
      throw new Error("secrets");
    });
    replicas.down.set("r3", () => {
      throw new Error("secrets");
    });
    expect(await put("a")).toMatchObject({ code: 13, message: "internal error" });
    expect(logged).toMatchObject([{ message: "secrets" }]);
  });
});
