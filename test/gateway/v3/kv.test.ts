import { describe, expect, it, test } from "vitest";
import { header, testGateway, unavailable } from "../fakes.ts";

type Gateway = ReturnType<typeof testGateway>;

const b64 = (text: string) => Buffer.from(text).toString("base64");

function post(gateway: Gateway, path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return gateway.app.request(path, { method: "POST", body: text, headers });
}

async function answer(gateway: Gateway, path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await post(gateway, path, body, headers);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

function expectError(
  found: { readonly status: number; readonly text: string },
  ...expected: unknown[]
): void {
  const { code, message, ...rest } = JSON.parse(found.text);
  expect([found.status, code, message]).toEqual(expected);
  expect(rest).toEqual({ error: message });
}

/** The first call to a replica with this name. */
function calls(gateway: Gateway, method: string) {
  return gateway.replicas.calls.filter((call) => call.method === method);
}

const PUT = { key: b64("a"), value: b64("1") };
const HEADER = '"header":{"cluster_id":"193","member_id":"1","revision":"2","raft_term":"2"}';

describe("answers", () => {
  test("have etcd's form to the byte: order, strings, nothing for zero", async () => {
    const gateway = testGateway();
    const put = await answer(gateway, "/v3/kv/put", PUT);
    expect([put.status, put.text]).toEqual([200, `{${HEADER}}`]);
    expect(put.headers.get("Content-Type")).toBe("application/json");
    expect(put.headers.get("Grpc-Metadata-Content-Type")).toBe("application/grpc");
    expect(put.headers.get("X-Edged-Revision")).toBe("2");
    const range = await answer(gateway, "/v3/kv/range", { key: PUT.key });
    const kv = '{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"MQ=="}';
    expect(range.text).toBe(`{${HEADER},"kvs":[${kv}],"count":"1"}`);
    const none = await answer(gateway, "/v3/kv/range", { key: b64("b") });
    expect(none.text).toBe(`{${HEADER}}`);
    const deleted = await answer(gateway, "/v3beta/kv/deleterange", { key: b64("b") });
    expect(deleted.text).toBe(`{${HEADER}}`);
  });

  test("ids above 2^63 are unsigned decimals", async () => {
    const gateway = testGateway();
    gateway.store.header = (member) =>
      header(member, { clusterId: "ffffffffffffffff", memberId: "8000000000000000" });
    const { text } = await answer(gateway, "/v3/kv/range", { key: PUT.key });
    expect(text).toContain('"cluster_id":"18446744073709551615","member_id":"9223372036854775808"');
  });

  test("of other clusters are theirs", async () => {
    const gateway = testGateway();
    expect((await answer(gateway, "/clusters/x/v3/kv/put", PUT)).status).toBe(200);
    expect(calls(gateway, "propose")[0]?.cluster).toBe("x");
  });
});

describe("reads", () => {
  test("are linearizable unless they say otherwise", async () => {
    const gateway = testGateway();
    await answer(gateway, "/v3/kv/range", { key: PUT.key });
    await answer(gateway, "/v3/kv/range", { key: PUT.key, serializable: true });
    expect(calls(gateway, "range").map(({ call }) => call)).toMatchObject([
      { consistency: "linearizable" },
      { consistency: "serializable" },
    ]);
  });

  test.each([
    [[{ request_range: { key: PUT.key } }], "linearizable"],
    [[{ request_range: { key: PUT.key, serializable: true } }], "serializable"],
    [
      [{ request_range: { key: PUT.key, serializable: true } }, { request_range: { key: PUT.key } }],
      "linearizable",
    ],
    [[], "linearizable"],
  ])("a transaction of them needs no log entry: %j", async (success, consistency) => {
    const gateway = testGateway();
    const found = await answer(gateway, "/v3/kv/txn", { success });
    expect([found.status, JSON.parse(found.text).succeeded]).toEqual([200, true]);
    expect(calls(gateway, "propose")).toEqual([]);
    expect(calls(gateway, "readTxn")[0]?.call).toMatchObject({ consistency });
  });

  test("a transaction that may write goes through the log", async () => {
    const gateway = testGateway();
    const failure = [{ request_put: PUT }];
    const found = await answer(gateway, "/v3/kv/txn", { failure });
    expect(JSON.parse(found.text)).toEqual({ header: expect.anything(), succeeded: true });
    expect(calls(gateway, "propose")).toHaveLength(1);
    expect(calls(gateway, "readTxn")).toEqual([]);
  });
});

describe("refusals", () => {
  const value = (length: number) => b64("x".repeat(length));

  test("come in etcd's order, and before any replica is asked", async () => {
    const gateway = testGateway();
    const unreadable = await answer(gateway, "/v3/kv/put", `{"value":"${value(2_200_000)}","lease":"x"}`);
    expectError(unreadable, 400, 3, "invalid character 'x' looking for beginning of value");
    const huge = await answer(gateway, "/v3/kv/put", { value: value(2_200_000) });
    expectError(huge, 429, 8, "grpc: received message larger than max (2200005 vs. 2097152)");
    const empty = await answer(gateway, "/v3/kv/put", { value: value(1_600_000) });
    expectError(empty, 400, 3, "etcdserver: key is not provided");
    const large = await answer(gateway, "/v3/kv/put", { key: PUT.key, value: value(1_600_000) });
    expectError(large, 400, 3, "etcdserver: request is too large");
    for (const path of ["range", "deleterange"]) {
      expectError(await answer(gateway, `/v3/kv/${path}`, {}), 400, 3, "etcdserver: key is not provided");
    }
    const duplicate = { success: [{ request_put: PUT }, { request_put: PUT }] };
    expectError(
      await answer(gateway, "/v3/kv/txn", duplicate),
      400,
      3,
      "etcdserver: duplicate key given in txn request",
    );
    const emptyRead = { failure: [{ request_range: {} }] };
    expectError(await answer(gateway, "/v3/kv/txn", emptyRead), 400, 3, "etcdserver: key is not provided");
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("a body that is not read at all tells how long it was", async () => {
    const found = await answer(testGateway(), "/v3/kv/put", " ".repeat(9_000_000), {
      "Content-Length": "9000000",
    });
    expectError(found, 429, 8, "grpc: received message larger than max (9000000 vs. 2097152)");
  });

  test("by the state machine have their own status and code", async () => {
    const found = await answer(testGateway(), "/v3/kv/range", { key: PUT.key, revision: 99 });
    expectError(found, 400, 11, "etcdserver: mvcc: required revision is a future revision");
    expect(found.headers.get("Grpc-Metadata-Content-Type")).toBeNull();
    expect(found.headers.get("X-Edged-Replica")).toBe("r1");
  });

  test("are printed as Go prints them", async () => {
    const { text } = await answer(testGateway(), "/v3/kv/range", "<");
    const message = "invalid character '\\u003c' looking for beginning of value";
    expect(text).toBe(`{"error":"${message}","message":"${message}","code":3}`);
  });

  test("an unexpected error has etcd's form too, and shows nothing", async () => {
    const gateway = testGateway();
    gateway.replicas.down.set("r1", () => {
      throw new Error("secret detail");
    });
    const found = await answer(gateway, "/v3/kv/range", { key: PUT.key });
    expectError(found, 500, 13, "an unexpected error; the log of the Worker has it");
    expect(gateway.logged).toHaveLength(1);
  });
});

describe("without an answer", () => {
  const down = (gateway: Gateway, ...reply: Parameters<typeof unavailable>) => {
    for (const member of ["r1", "r2", "r3"]) gateway.replicas.down.set(member, () => unavailable(...reply));
  };

  it.each([
    ["no-leader", 503, 14, "etcdserver: no leader"],
    ["timeout", 503, 14, "etcdserver: request timed out"],
    ["stopped", 503, 14, "etcdserver: server stopped"],
    ["overloaded", 429, 8, "etcdserver: too many requests"],
  ] as const)("%s: nothing was done, %i", async (reason, status, code, message) => {
    const gateway = testGateway();
    down(gateway, reason);
    for (const [path, body] of [
      ["put", PUT],
      ["range", PUT],
      ["txn", {}],
    ] as const) {
      const found = await answer(gateway, `/v3/kv/${path}`, body);
      expectError(found, status, code, message);
      expect(found.headers.get("Retry-After")).toBe("1");
    }
  });

  test("a write that may have been applied never promises that it was not", async () => {
    const gateway = testGateway();
    await answer(gateway, "/v3/kv/put", PUT);
    let asked = 0;
    for (const member of ["r1", "r2", "r3"]) {
      gateway.replicas.down.set(member, () => {
        asked += 1;
        return unavailable("no-leader", { unknownOutcome: asked === 1 });
      });
    }
    expectError(await answer(gateway, "/v3/kv/put", PUT), 503, 14, "etcdserver: request timed out");
  });

  test("nor does one whose answer was not kept for its retry", async () => {
    const gateway = testGateway();
    const propose = gateway.store.propose.bind(gateway.store);
    gateway.store.propose = (member, request) => {
      const reply = propose(member, request);
      return reply.kind === "applied" ? { ...reply, complete: false } : reply;
    };
    expectError(await answer(gateway, "/v3/kv/put", PUT), 503, 14, "etcdserver: request timed out");
  });

  test("the client's own deadline is kept, with its own error", async () => {
    const gateway = testGateway();
    const late = await answer(gateway, "/v3/kv/put", PUT, { "Grpc-Timeout": "1n" });
    expectError(late, 504, 4, "context deadline exceeded");
    expect(gateway.replicas.calls).toEqual([]);
    down(gateway, "timeout");
    const startMs = gateway.clock.now;
    const slow = await answer(gateway, "/v3/kv/range", PUT, { "Grpc-Timeout": "2S" });
    expectError(slow, 504, 4, "context deadline exceeded");
    expect(gateway.clock.now - startMs).toBe(2_000);
    const odd = await answer(gateway, "/v3/kv/range", PUT, { "Grpc-Timeout": "soon" });
    expectError(odd, 400, 3, "invalid grpc-timeout: soon");
  });
});

describe("Idempotency-Key", () => {
  test("makes a repeated write one write", async () => {
    const gateway = testGateway();
    const keyed = () => answer(gateway, "/v3/kv/put", PUT, { "Idempotency-Key": "k1" });
    expect((await keyed()).text).toBe((await keyed()).text);
    expect(gateway.store.revision).toBe(2);
    await answer(gateway, "/v3/kv/put", PUT);
    await answer(gateway, "/v3/kv/put", PUT);
    expect(gateway.store.revision).toBe(4);
  });

  test("leaves it to the log to refuse what may have been applied before", async () => {
    const gateway = testGateway();
    await answer(gateway, "/v3/kv/put", PUT, { "Idempotency-Key": "k2" });
    await answer(gateway, "/v3/kv/put", PUT);
    expect(gateway.store.throughLog).toEqual([true, false]);
  });

  test("keeps nobody from being told why members cannot be changed now", async () => {
    const gateway = testGateway();
    await answer(gateway, "/v3/cluster/member/remove", '{"ID":"7"}', { "Idempotency-Key": "k3" });
    expect(gateway.store.throughLog).toEqual([false]);
  });

  test("must be printable", async () => {
    const found = await answer(testGateway(), "/v3/kv/put", PUT, { "Idempotency-Key": "a b" });
    expect(JSON.parse(found.text)).toMatchObject({ code: 3 });
  });
});

describe("paths and methods", () => {
  it.each([
    ["/v3/kv/%72ange", 200],
    ["/v3/kv/range?foo=bar", 200],
    ["/v3/kv/range/", 404],
    ["/v3/KV/range", 404],
    ["/v3/kv/%zz", 400],
    ["/v3beta", 404],
    ["/v3/toString", 404],
    ["/v3/maintenance/nope", 404],
    ["/v3/maintenance/hashkv", 404],
    ["/v3alpha/kv/range", 404],
  ])("%s: %i", async (path, status) => {
    expect((await answer(testGateway(), path, PUT)).status).toBe(status);
  });

  it.each([
    ["/v3", "/v3/"],
    ["/v3//kv/range?a=b", "/v3/kv/range?a=b"],
    ["/clusters/c/v3/kv///range", "/clusters/c/v3/kv/range"],
  ])("%s is at %s", async (path, location) => {
    const { app } = testGateway();
    const posted = await app.request(path, { method: "POST", body: "{}" });
    expect([posted.status, posted.headers.get("Location"), await posted.text()]).toEqual([301, location, ""]);
    const page = await app.request(path);
    expect(page.status).toBe(301);
    expect(await page.text()).toBe(`<a href="${location}">Moved Permanently</a>.\n\n`);
  });

  it.each(["/health", "/version"])("HEAD of %s is not allowed", async (path) => {
    const response = await testGateway().app.request(path, { method: "HEAD" });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, OPTIONS"]);
  });

  it.each(["GET", "PUT", "DELETE", "PATCH", "HEAD"])("%s is not allowed", async (method) => {
    const response = await testGateway().app.request("/v3/kv/range", { method });
    expect([response.status, await response.text()]).toEqual([
      405,
      method === "HEAD" ? "" : "Method Not Allowed\n",
    ]);
    expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  test("nor is POST that says it is GET", async () => {
    const found = await answer(testGateway(), "/v3/kv/range", PUT, { "X-HTTP-Method-Override": "get" });
    expect(found.status).toBe(405);
  });
});
