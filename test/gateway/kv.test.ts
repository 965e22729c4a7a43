import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { testGateway } from "./fakes.ts";
import { expectJson, put, seeded } from "./requests.ts";

describe("PUT and GET /kv/{key}", () => {
  test("a value comes back as it went in, with its version in headers", async () => {
    const gateway = testGateway();
    const bytes = new Uint8Array(256).map((_, position) => position);
    const written = await put(gateway, "/kv/bin", bytes);
    expect(await written.json()).toEqual({ key: "bin", revision: 2 });
    expect(written.headers.get("ETag")).toBe('"2"');
    const read = await gateway.app.request("/kv/bin");
    expect(read.status).toBe(200);
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(read.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-length": "256",
      etag: '"2"',
      "x-edged-revision": "2",
      "x-edged-term": "2",
      "x-edged-replica": "r1",
      "x-edged-leader": "r1",
      "x-edged-version": "1",
      "x-edged-create-revision": "2",
    });
  });

  test("an empty value is a value", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/e", "");
    const read = await gateway.app.request("/kv/e");
    expect([read.status, await read.text(), read.headers.get("Content-Length")]).toEqual([200, "", "0"]);
  });

  test.each([
    ["a/b//c", "a/b//c"],
    ["a%2Fb", "a/b"],
    ["sp%20ace", "sp ace"],
    ["plus+", "plus+"],
    ["line%0Aend", "line\nend"],
    ["100%25", "100%"],
    ["d%C3%BCrer", "dürer"],
    ["trailing/", "trailing/"],
    ["q%3Fx%23y", "q?x#y"],
  ])("the path %s names the key %j", async (path, key) => {
    const gateway = testGateway();
    expect(await (await put(gateway, `/kv/${path}`, "1")).json()).toEqual({ key, revision: 2 });
    expect(await (await gateway.app.request(`/kv/${path}`)).text()).toBe("1");
    expect(gateway.store.kvs.map((kv) => new TextDecoder().decode(kv.key))).toEqual([key]);
  });

  test("a key need not be text", async () => {
    const gateway = testGateway();
    const written = await put(gateway, "/kv/%FF%00", "x");
    expect(await written.json()).toEqual({ key_base64: "/wA=", revision: 2 });
    expect(gateway.store.kvs[0]?.key).toEqual(new Uint8Array([255, 0]));
  });

  test("HEAD has the headers of GET and no body", async () => {
    const gateway = await seeded("a");
    const head = await gateway.app.request("/kv/a", { method: "HEAD" });
    expect([head.status, await head.text(), head.headers.get("Content-Length")]).toEqual([200, "", "3"]);
    expect(head.headers.get("ETag")).toBe('"2"');
  });

  test("a missing key is 404 and tells the revision it is missing at", async () => {
    const gateway = await seeded("a");
    const read = await gateway.app.request("/kv/b");
    expect(read.status).toBe(404);
    expectJson(read);
    expect(await read.json()).toMatchObject({ code: "key_not_found", key: "b", revision: 2 });
    expect(read.headers.get("X-Edged-Revision")).toBe("2");
    expect((await gateway.app.request("/kv/b", { method: "HEAD" })).status).toBe(404);
  });

  test("read options reach the replica", async () => {
    const gateway = await seeded("a");
    await gateway.app.request("/kv/a?consistency=serializable&min_revision=2&revision=1");
    const last = gateway.replicas.calls.at(-1);
    expect(last?.call).toMatchObject({ consistency: "serializable", minRevision: 2 });
    await gateway.app.request("/kv/a");
    expect(gateway.replicas.calls.at(-1)?.call).toMatchObject({
      consistency: "linearizable",
      minRevision: 0,
    });
  });

  test("max_staleness reaches the replica, with min_revision and for lists too", async () => {
    const gateway = await seeded("a");
    for (const path of [
      "/kv/a?max_staleness=500&min_revision=2",
      "/kv/?prefix=a&max_staleness=500&min_revision=2",
    ]) {
      expect((await gateway.app.request(path)).status).toBe(200);
      const call = gateway.replicas.calls.at(-1)?.call;
      expect(call).toMatchObject({ consistency: "linearizable", maxStalenessMs: 500, minRevision: 2 });
    }
    for (const ms of ["1", "3600000"]) {
      expect((await gateway.app.request(`/kv/a?max_staleness=${ms}`)).status).toBe(200);
    }
    await gateway.app.request("/kv/a");
    expect(gateway.replicas.calls.at(-1)?.call).not.toHaveProperty("maxStalenessMs");
  });

  test("a refusal by the state machine has etcd's text and status", async () => {
    const gateway = await seeded("a");
    const read = await gateway.app.request("/kv/a?revision=99");
    expect(read.status).toBe(400);
    expect(await read.json()).toEqual({
      code: "future_revision",
      message:
        "etcdserver: mvcc: required revision is a future revision (revision is above the store's; use min_revision to wait for it)",
    });
    expect(read.headers.get("X-Edged-Revision")).toBe("2");
  });
});

describe("conditions", () => {
  test("If-None-Match: * creates once", async () => {
    const gateway = testGateway();
    const first = await put(gateway, "/kv/a", "1", { "If-None-Match": "*" });
    expect([first.status, first.headers.get("ETag")]).toEqual([200, '"2"']);
    const second = await put(gateway, "/kv/a", "2", { "If-None-Match": "*" });
    expect([second.status, second.headers.get("ETag")]).toEqual([412, '"2"']);
    expect(await second.json()).toEqual({
      code: "precondition_failed",
      message: "nothing was written: asked that the key does not exist, but its mod_revision is 2",
      key: "a",
      mod_revision: 2,
      revision: 2,
    });
    expect(await (await gateway.app.request("/kv/a")).text()).toBe("1");
  });

  test("If-Match swaps only the version it names", async () => {
    const gateway = await seeded("a");
    expect((await put(gateway, "/kv/a", "2", { "If-Match": '"2"' })).status).toBe(200);
    const stale = await put(gateway, "/kv/a", "3", { "If-Match": '"2"' });
    expect([stale.status, stale.headers.get("ETag")]).toEqual([412, '"3"']);
    expect((await put(gateway, "/kv/a", "4", { "If-Match": 'W/"3"' })).status).toBe(200);
    expect((await put(gateway, "/kv/a", "5", { "If-Match": "*" })).status).toBe(200);
    expect(await (await gateway.app.request("/kv/a")).text()).toBe("5");
  });

  test("If-Match on a missing key fails without an ETag", async () => {
    const gateway = testGateway();
    for (const tag of ["*", '"7"']) {
      const refused = await put(gateway, "/kv/a", "1", { "If-Match": tag });
      expect([refused.status, refused.headers.get("ETag")]).toEqual([412, null]);
      expect(await refused.json()).toMatchObject({ mod_revision: null, revision: 1 });
    }
    expect(gateway.store.revision).toBe(1);
  });

  test("If-None-Match with a version writes over any other", async () => {
    const gateway = await seeded("a");
    expect((await put(gateway, "/kv/a", "2", { "If-None-Match": '"2"' })).status).toBe(412);
    expect((await put(gateway, "/kv/a", "2", { "If-None-Match": '"1", "9"' })).status).toBe(200);
  });

  test("DELETE takes them too", async () => {
    const gateway = await seeded("a");
    const stale = await gateway.app.request("/kv/a", { method: "DELETE", headers: { "If-Match": '"9"' } });
    expect([stale.status, stale.headers.get("ETag")]).toEqual([412, '"2"']);
    const good = await gateway.app.request("/kv/a", { method: "DELETE", headers: { "If-Match": '"2"' } });
    expect(await good.json()).toEqual({ deleted: 1, revision: 3 });
  });

  test("reads answer 304 or 412", async () => {
    const gateway = await seeded("a");
    const get = async (path: string, headers: Record<string, string>) =>
      (await gateway.app.request(path, { headers })).status;
    expect(await get("/kv/a", { "If-None-Match": '"2"' })).toBe(304);
    expect(await get("/kv/a", { "If-None-Match": '"1", W/"2"' })).toBe(304);
    expect(await get("/kv/a", { "If-None-Match": "*" })).toBe(304);
    expect(await get("/kv/a", { "If-None-Match": '"1"' })).toBe(200);
    expect(await get("/kv/a", { "If-Match": '"2"' })).toBe(200);
    expect(await get("/kv/a", { "If-Match": '"1"' })).toBe(412);
    expect(await get("/kv/zz", { "If-None-Match": "*" })).toBe(404);
    expect(await get("/kv/zz", { "If-Match": "*" })).toBe(412);
    const unchanged = await gateway.app.request("/kv/a", { headers: { "If-None-Match": '"2"' } });
    expect([await unchanged.text(), unchanged.headers.get("ETag")]).toEqual(["", '"2"']);
  });

  test.each([
    ["If-Match", "5"],
    ["If-Match", '"five"'],
    ["If-Match", '"0"'],
    ["If-Match", '"1","2"'],
    ["If-Match", '"99999999999999999999"'],
    ["If-None-Match", "yes"],
    ["If-None-Match", '"1",'],
  ])("a malformed %s: %s is refused before anything is asked", async (name, value) => {
    const gateway = testGateway();
    for (const method of ["PUT", "DELETE"]) {
      const response = await gateway.app.request("/kv/a", { method, headers: { [name]: value } });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_header" });
    }
    expect(gateway.replicas.calls).toEqual([]);
  });
});

describe("DELETE", () => {
  test("a missing key deletes nothing and uses no revision", async () => {
    const gateway = await seeded("a");
    const response = await gateway.app.request("/kv/zz", { method: "DELETE" });
    expect([response.status, await response.json()]).toEqual([200, { deleted: 0, revision: 2 }]);
  });

  test("a prefix", async () => {
    const gateway = await seeded("a/1", "a/2", "b");
    const response = await gateway.app.request("/kv/?prefix=a/", { method: "DELETE" });
    expect(await response.json()).toEqual({ deleted: 2, revision: 5 });
    expect(gateway.store.kvs).toHaveLength(1);
  });

  test("everything only when asked for twice", async () => {
    const gateway = await seeded("a", "%FF%FF");
    for (const path of ["/kv/", "/kv", "/kv/?all=true", "/kv/?prefix=", "/kv/?prefix=&all=false"]) {
      expect((await gateway.app.request(path, { method: "DELETE" })).status).toBe(400);
    }
    expect(gateway.store.kvs).toHaveLength(2);
    const response = await gateway.app.request("/kv/?prefix=&all=true", { method: "DELETE" });
    expect(await response.json()).toMatchObject({ deleted: 2 });
  });

  test("a condition has no meaning for a prefix", async () => {
    const gateway = await seeded("a");
    const headers = { "If-Match": "*" };
    expect((await gateway.app.request("/kv/?prefix=a", { method: "DELETE", headers })).status).toBe(400);
  });
});

describe("bad input never reaches a replica", () => {
  test.each([
    ["GET", "/kv/a?foo=1", 400, "unknown_parameter"],
    ["GET", "/kv/a?prefix=a", 400, "unknown_parameter"],
    ["GET", "/kv/a?%zz=1", 400, "unknown_parameter"],
    ["PUT", "/kv/a?revision=1", 400, "unknown_parameter"],
    ["DELETE", "/kv/a?prefix=a", 400, "unknown_parameter"],
    ["PUT", "/kv/a?ttl=0", 400, "invalid_parameter"],
    ["PUT", "/kv/a?ttl=-1", 400, "invalid_parameter"],
    ["PUT", "/kv/a?ttl=1.5", 400, "invalid_parameter"],
    ["PUT", "/kv/a?ttl=9000000001", 400, "invalid_parameter"],
    ["PUT", "/kv/a?ttl=", 400, "invalid_parameter"],
    ["GET", "/kv/a?revision=-1", 400, "invalid_parameter"],
    ["GET", "/kv/a?revision=1.5", 400, "invalid_parameter"],
    ["GET", "/kv/a?revision=99999999999999999999", 400, "invalid_parameter"],
    ["GET", "/kv/a?min_revision=x", 400, "invalid_parameter"],
    ["GET", "/kv/a?consistency=strong", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness=0", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness=3600001", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness=1s", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness=5&consistency=linearizable", 400, "invalid_parameter"],
    ["GET", "/kv/a?max_staleness=5&consistency=serializable", 400, "invalid_parameter"],
    ["GET", "/kv/?prefix=a&max_staleness=5&revision=2", 400, "invalid_parameter"],
    ["PUT", "/kv/a?max_staleness=5", 400, "unknown_parameter"],
    ["GET", "/kv/a?revision=1&revision=2", 400, "invalid_parameter"],
    ["GET", "/kv/%zz", 400, "invalid_key"],
    ["GET", "/kv/a%", 400, "invalid_key"],
    ["PUT", "/kv/", 400, "empty_key"],
    ["PUT", "/kv", 400, "empty_key"],
    ["PUT", `/kv/${"k".repeat(LIMITS.keyBytesMax + 1)}`, 400, "key_too_large"],
    ["POST", "/kv/a", 405, "method_not_allowed"],
    ["PATCH", "/kv/a", 405, "method_not_allowed"],
    ["POST", "/kv/", 405, "method_not_allowed"],
    ["DELETE", "/status", 405, "method_not_allowed"],
    ["GET", "/status?foo=1", 400, "unknown_parameter"],
    ["GET", "/", 404, "not_found"],
    ["GET", "/nope", 404, "not_found"],
    ["GET", "/kvx", 404, "not_found"],
    ["GET", "/status/", 404, "not_found"],
  ])("%s %s: %i %s", async (method, path, wanted, code) => {
    const gateway = testGateway();
    const headers = { Origin: "https://example.com" };
    const response = await gateway.app.request(path, { method, headers });
    expect(response.status).toBe(wanted);
    expectJson(response);
    const body: { code: string; message: string } = JSON.parse(await response.text());
    expect(body.code).toBe(code);
    expect(body.message.length).toBeGreaterThan(10);
    expect(gateway.replicas.calls).toEqual([]);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  });

  test("an unknown parameter is named along with the known ones", async () => {
    const { app } = testGateway();
    const body = await (await app.request("/kv/a?consistancy=serializable")).json();
    expect(body).toEqual({
      code: "unknown_parameter",
      message:
        'unknown parameter "consistancy"; known here: revision, consistency, max_staleness, min_revision',
    });
  });

  test("405 tells what is allowed", async () => {
    const { app } = testGateway();
    expect((await app.request("/kv/a", { method: "POST" })).headers.get("Allow")).toBe(
      "GET, HEAD, PUT, DELETE, OPTIONS",
    );
  });

  test("an Idempotency-Key must be visible ASCII", async () => {
    const gateway = testGateway();
    for (const key of ["two words", "k".repeat(256), ""]) {
      expect((await put(gateway, "/kv/a", "1", { "Idempotency-Key": key })).status).toBe(400);
    }
    expect(gateway.replicas.calls).toEqual([]);
  });
});

describe("Idempotency-Key", () => {
  const headers = { "Idempotency-Key": "order-17" };

  test("the same key gives the stored answer and writes once", async () => {
    const gateway = testGateway();
    const first = await put(gateway, "/kv/a", "1", headers);
    await put(gateway, "/kv/b", "2");
    const again = await put(gateway, "/kv/a", "1", headers);
    expect(await again.json()).toEqual(await first.json());
    expect(again.headers.get("ETag")).toBe('"2"');
    expect(gateway.store.revision).toBe(3);
  });

  test("it belongs to the method, the path, the cluster and the kind of write", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", "1", headers);
    await put(gateway, "/kv/b", "1", headers);
    await put(gateway, "/clusters/x/kv/a", "1", headers);
    await put(gateway, "/kv/a", "1", { ...headers, "If-Match": "*" });
    await gateway.app.request("/kv/a", { method: "DELETE", headers });
    expect(gateway.store.answers.size).toBe(5);
  });

  test("leaves it to the log to refuse what may have been applied before", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", "1", headers);
    await put(gateway, "/kv/a", "1");
    expect(gateway.store.throughLog).toEqual([true, false]);
  });

  test("without it every write is a write of its own", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", "1");
    await put(gateway, "/kv/a", "1");
    expect(gateway.store.revision).toBe(3);
  });
});
