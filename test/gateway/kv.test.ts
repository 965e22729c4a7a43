import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { testGateway } from "./fakes.ts";

type Gateway = ReturnType<typeof testGateway>;

function put(
  gateway: Gateway,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  return gateway.app.request(path, { method: "PUT", body, headers });
}

async function seeded(...keys: readonly string[]): Promise<Gateway> {
  const gateway = testGateway();
  for (const key of keys) expect((await put(gateway, `/kv/${key}`, `v-${key}`)).status).toBe(200);
  return gateway;
}

function expectJson(response: Response): void {
  expect(response.headers.get("Content-Type")).toBe("application/json");
}

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

describe("GET /kv/?prefix=", () => {
  test("lists keys in order with their versions", async () => {
    const gateway = await seeded("b/1", "a/2", "a/1");
    const response = await gateway.app.request("/kv/?prefix=a/");
    expect(await response.json()).toEqual({
      keys: [
        { key: "a/1", value: "v-a/1", create_revision: 4, mod_revision: 4, version: 1 },
        { key: "a/2", value: "v-a/2", create_revision: 3, mod_revision: 3, version: 1 },
      ],
      more: false,
      revision: 4,
    });
    expect(response.headers.get("X-Edged-Revision")).toBe("4");
  });

  test("pages follow each other through the cursor, whatever bytes the keys hold", async () => {
    const paths = ["a%00", "a", "a%FF", "a%FF%FF", "a%2B%2F%3D", "ab"];
    const gateway = await seeded(...paths);
    const seen: string[] = [];
    let next: string | undefined;
    for (let page = 0; page < 10; page += 1) {
      const after = next === undefined ? "" : `&after=${next}`;
      const response = await gateway.app.request(`/kv/?prefix=a&limit=1&keys_only${after}`);
      const body: { keys: { key?: string; key_base64?: string }[]; more: boolean; next?: string } =
        JSON.parse(await response.text());
      expect(body.keys).toHaveLength(1);
      seen.push(...body.keys.map((item) => String(item.key ?? `base64:${item.key_base64}`)));
      next = body.next;
      if (!body.more) break;
    }
    expect(seen).toEqual(["a", "a\0", "a+/=", "ab", "base64:Yf8=", "base64:Yf//"]);
    expect(next).toBeUndefined();
  });

  test("a cursor below the prefix does not lead out of it", async () => {
    const gateway = await seeded("a", "b", "c");
    const after = Buffer.from("a").toString("base64url");
    const response = await gateway.app.request(`/kv/?prefix=c&after=${after}`);
    expect(await response.json()).toMatchObject({ keys: [{ key: "c" }], more: false });
  });

  test("an empty prefix lists everything", async () => {
    const gateway = await seeded("%00", "%FF");
    const response = await gateway.app.request("/kv?prefix=");
    expect(await response.json()).toMatchObject({
      keys: [{ key: "\0" }, { key_base64: "/w==" }],
      more: false,
    });
  });

  test("keys_only leaves values out; bytes that are no text come as base64", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", new Uint8Array([0xff]));
    const full = await gateway.app.request("/kv/?prefix=a");
    expect(await full.json()).toMatchObject({ keys: [{ key: "a", value_base64: "/w==" }] });
    for (const flag of ["keys_only", "keys_only=true", "keys_only=1"]) {
      const body: { keys: object[] } = JSON.parse(
        await (await gateway.app.request(`/kv/?prefix=a&${flag}`)).text(),
      );
      expect(body.keys).toEqual([{ key: "a", create_revision: 2, mod_revision: 2, version: 1 }]);
    }
  });

  test("a page ends by bytes too, but holds one key at least", async () => {
    const gateway = testGateway();
    const value = new Uint8Array(1_500_000);
    for (const key of ["a", "b", "c", "d"]) await put(gateway, `/kv/${key}`, value);
    const first = await gateway.app.request("/kv/?prefix=");
    const body: { keys: object[]; more: boolean; next: string } = JSON.parse(await first.text());
    expect([body.keys.length, body.more]).toEqual([2, true]);
    const second = await gateway.app.request(`/kv/?prefix=&after=${body.next}`);
    expect(await second.json()).toMatchObject({ keys: [{ key: "c" }, { key: "d" }], more: false });
  });

  test("a page that a replica could not hold is asked for again, smaller", async () => {
    const gateway = testGateway();
    const value = new Uint8Array(1_500_000);
    for (let key = 0; key < 20; key += 1) await put(gateway, `/kv/k${key}`, value);
    const response = await gateway.app.request("/kv/?prefix=k");
    const body: { keys: object[]; more: boolean } = JSON.parse(await response.text());
    expect([response.status, body.keys.length, body.more]).toEqual([200, 2, true]);
  });

  test("a page of an old revision names that revision", async () => {
    const gateway = await seeded("a", "b");
    expect(await (await gateway.app.request("/kv/?prefix=&revision=2")).json()).toMatchObject({
      revision: 2,
    });
  });

  test.each([
    ["/kv/", "empty_key"],
    ["/kv", "empty_key"],
    ["/kv/?limit=10", "empty_key"],
    ["/kv/?prefix=a&limit=0", "invalid_parameter"],
    [`/kv/?prefix=a&limit=${LIMITS.listKeysMax + 1}`, "invalid_parameter"],
    ["/kv/?prefix=a&limit=ten", "invalid_parameter"],
    ["/kv/?prefix=a&after=%21", "invalid_parameter"],
    ["/kv/?prefix=a&after=abcde", "invalid_parameter"],
    ["/kv/?prefix=a&after=", "invalid_parameter"],
    ["/kv/?prefix=a&keys_only=maybe", "invalid_parameter"],
    ["/kv/?prefix=a&prefix=b", "invalid_parameter"],
    ["/kv/?prefix=%zz", "invalid_parameter"],
    ["/kv/?prefix=a&order=desc", "unknown_parameter"],
  ])("%s is refused as %s", async (path, code) => {
    const gateway = testGateway();
    const response = await gateway.app.request(path);
    expect(response.status).toBe(400);
    expectJson(response);
    expect(await response.json()).toMatchObject({ code });
    expect(gateway.replicas.calls).toEqual([]);
  });
});

describe("bad input never reaches a replica", () => {
  test.each([
    ["GET", "/kv/a?foo=1", 400, "unknown_parameter"],
    ["GET", "/kv/a?prefix=a", 400, "unknown_parameter"],
    ["GET", "/kv/a?%zz=1", 400, "unknown_parameter"],
    ["PUT", "/kv/a?revision=1", 400, "unknown_parameter"],
    ["DELETE", "/kv/a?prefix=a", 400, "unknown_parameter"],
    ["PUT", "/kv/a?ttl=30", 501, "not_implemented"],
    ["GET", "/kv/a?revision=-1", 400, "invalid_parameter"],
    ["GET", "/kv/a?revision=1.5", 400, "invalid_parameter"],
    ["GET", "/kv/a?revision=99999999999999999999", 400, "invalid_parameter"],
    ["GET", "/kv/a?min_revision=x", 400, "invalid_parameter"],
    ["GET", "/kv/a?consistency=strong", 400, "invalid_parameter"],
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
    const response = await gateway.app.request(path, { method });
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
      message: 'unknown parameter "consistancy"; known here: revision, consistency, min_revision',
    });
  });

  test("405 tells what is allowed", async () => {
    const { app } = testGateway();
    expect((await app.request("/kv/a", { method: "POST" })).headers.get("Allow")).toBe(
      "GET, HEAD, PUT, DELETE, OPTIONS",
    );
  });

  test("an event stream is not mistaken for a read", async () => {
    const gateway = testGateway();
    const headers = { Accept: "text/event-stream" };
    for (const path of ["/kv/a", "/kv/?prefix=a"]) {
      expect((await gateway.app.request(path, { headers })).status).toBe(501);
    }
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("an Idempotency-Key must be visible ASCII", async () => {
    const gateway = testGateway();
    for (const key of ["two words", "k".repeat(256), ""]) {
      expect((await put(gateway, "/kv/a", "1", { "Idempotency-Key": key })).status).toBe(400);
    }
    expect(gateway.replicas.calls).toEqual([]);
  });
});

describe("size", () => {
  /** An endless body that counts what was taken of it. */
  function endless() {
    const taken = { bytes: 0, cancelled: false };
    const body = new ReadableStream({
      pull(controller) {
        taken.bytes += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel() {
        taken.cancelled = true;
      },
    });
    return { body, taken };
  }

  test("a declared size above the limit is refused unread", async () => {
    const gateway = testGateway();
    const headers = { "Content-Length": String(LIMITS.requestBytesMax + 1) };
    const { body, taken } = endless();
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, headers, duplex: "half" });
    const response = await gateway.app.request(request);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request_too_large" });
    expect(taken.bytes).toBeLessThanOrEqual(65_536);
  });

  test("an undeclared size is not held beyond the limit, and given up in the end", async () => {
    const gateway = testGateway();
    const { body, taken } = endless();
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    const response = await gateway.app.request(request);
    expect(response.status).toBe(413);
    expect(taken.cancelled).toBe(true);
    expect(taken.bytes).toBeLessThan(LIMITS.discardBytesMax + 3 * 65_536);
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("an undeclared size that ends above the limit is read to its end", async () => {
    const gateway = testGateway();
    const chunks = Array.from({ length: 40 }, () => new Uint8Array(65_536));
    const read = new Set<number>();
    const body = new ReadableStream({
      pull(controller) {
        const chunk = chunks.pop();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
        read.add(chunks.length);
      },
    });
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    expect((await gateway.app.request(request)).status).toBe(413);
    expect(read.size).toBe(40);
  });

  test("an undeclared size within the limit is put together", async () => {
    const gateway = testGateway();
    const body = ReadableStream.from([new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([3])]);
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    expect((await gateway.app.request(request)).status).toBe(200);
    expect(gateway.store.kvs[0]?.value).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("what fits as a body must fit with its frame", async () => {
    const gateway = testGateway();
    const large = await put(gateway, "/kv/a", new Uint8Array(LIMITS.requestBytesMax));
    expect(large.status).toBe(413);
    expect(gateway.replicas.calls).toEqual([]);
    expect((await put(gateway, "/kv/a", new Uint8Array(LIMITS.requestBytesMax - 64))).status).toBe(200);
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

  test("without it every write is a write of its own", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", "1");
    await put(gateway, "/kv/a", "1");
    expect(gateway.store.revision).toBe(3);
  });
});
