/** What takes the direct way is answered as everything else is. */
import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Unavailable } from "../../src/engine/replica-api.ts";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { encodePutCommand } from "../../src/wire/put-command.ts";
import { ENV, header, testGateway, unavailable } from "./fakes.ts";
import type { Gateway } from "./requests.ts";

/** A put whose length is announced, as HTTP clients do it, may go the direct way; without, it does not. */
const ANNOUNCED = { "content-length": "1" };

/** With its length, which every server tells where the answer does not: test/worker sees that ours does. */
async function outcome(response: Response): Promise<unknown> {
  const body = await response.text();
  const headers = {
    "content-length": String(Buffer.byteLength(body)),
    ...Object.fromEntries(response.headers),
  };
  return { status: response.status, headers, body };
}

function requestOf(path: string, init: RequestInit): Request {
  return new Request(`http://localhost${path}`, init);
}

/** What becomes of a request the common way and the direct way, each in a store of its own. */
async function both(path: string, init: RequestInit = {}, prepare: (gateway: Gateway) => void = () => {}) {
  const [one, other] = [testGateway(), testGateway()];
  const answers = [];
  for (const [gateway, fetch] of [
    [one, one.app.fetch],
    [other, other.fetch],
  ] as const) {
    await gateway.app.request("/kv/k", { method: "PUT", body: "v" });
    prepare(gateway);
    const answer = await outcome(await fetch(requestOf(path, init)));
    answers.push({ answer, store: gateway.store.kvs });
  }
  return answers;
}

describe("the direct way", () => {
  test("a put is answered and stored alike", async () => {
    const [common, direct] = await both("/kv/a/b.c", { method: "PUT", body: "x", headers: ANNOUNCED });
    expect(direct).toEqual(common);
    expect(direct?.answer).toMatchObject({ status: 200, body: '{"key":"a/b.c","revision":3}' });
  });

  test.each(["", "?consistency=serializable"])("a get%s is answered alike", async (query) => {
    const [common, direct] = await both(`/kv/k${query}`);
    expect(direct).toEqual(common);
  });

  test("a missing key is answered alike", async () => {
    const [common, direct] = await both("/kv/kk");
    expect(direct).toEqual(common);
  });

  test.each(["GET", "PUT"])(
    "a %s that nobody can serve, or that is refused, is answered alike",
    async (method) => {
      const init = method === "PUT" ? { method, body: "x", headers: ANNOUNCED } : {};
      for (const reply of [
        unavailable("no-leader", { header: header("r1") }),
        { kind: "rejected", error: "noSpace", header: header("r1") },
      ] as const) {
        const [common, direct] = await both("/kv/k", init, ({ replicas }) => {
          for (const member of ["r1", "r2", "r3"]) replicas.down.set(member, () => reply as Unavailable);
        });
        expect(direct).toEqual(common);
        expect(direct?.answer).toMatchObject({ status: reply.kind === "rejected" ? 429 : 503 });
      }
    },
  );

  test.each([
    ["GET", "/kv/k", {}, "direct"],
    ["GET", "/kv/k?consistency=serializable", {}, "direct"],
    ["PUT", "/kv/k", ANNOUNCED, "direct"],
    ["PUT", "/kv/k", {}, "common"],
    ["PUT", "/kv/k?ttl=3", ANNOUNCED, "common"],
    ["PUT", "/kv/k?consistency=serializable", ANNOUNCED, "common"],
    ["PUT", "/kv/k", { ...ANNOUNCED, "idempotency-key": "a" }, "common"],
    ["PUT", "/kv/k", { ...ANNOUNCED, "if-none-match": "*" }, "common"],
    ["DELETE", "/kv/k", {}, "common"],
    ["HEAD", "/kv/k", {}, "common"],
    ["OPTIONS", "/kv/k", {}, "common"],
    ["GET", "/kv/%6B", {}, "common"],
    ["GET", "/kv/k?max_staleness=5", {}, "common"],
    ["GET", "/kv/", {}, "common"],
    ["GET", "/clusters/other/kv/k", {}, "common"],
    ["GET", "/kv/k", { accept: "text/event-stream" }, "common"],
    ["GET", "/kv/k", { authorization: "Bearer x" }, "common"],
    ["GET", "/kv/k", { origin: "https://example.com" }, "common"],
    ["GET", "/kv/k", { "if-match": '"99"' }, "common"],
    ["GET", "/kv/k", { "if-none-match": "*" }, "common"],
    ["GET", "/kv/k", { "x-edged-replica": "r1" }, "common"],
    ["GET", "/kv/k", { "grpc-metadata-token": "x" }, "common"],
    ["GET", "/kv/k", { "grpc-metadata-authorization": "x" }, "common"],
  ] as const)("%s %s with %o is answered the %s way", async (method, path, headers, way) => {
    const gateway = testGateway();
    let isCommon = false;
    gateway.app.fetch = () => {
      isCommon = true;
      return new Response();
    };
    await gateway.fetch(requestOf(path, { method, headers, body: method === "PUT" ? "x" : null }));
    expect(isCommon ? "common" : "direct").toBe(way);
  });

  test("is shut where a deployment is closed", async () => {
    const gateway = testGateway({ ...ENV, ALLOW_ANONYMOUS: "false" });
    expect((await gateway.fetch(requestOf("/kv/k", {}))).status).toBe(401);
    const put = requestOf("/kv/k", { method: "PUT", body: "x", headers: ANNOUNCED });
    expect((await gateway.fetch(put)).status).toBe(401);
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("never reaches Hono, and an unexpected error of it is logged, not shown", async () => {
    const gateway = testGateway();
    gateway.app.fetch = () => {
      throw new Error("the common way");
    };
    await gateway.fetch(requestOf("/kv/k", { method: "PUT", body: "x", headers: ANNOUNCED }));
    expect((await gateway.fetch(requestOf("/kv/k", {}))).status).toBe(200);
    gateway.replicas.down.set("r1", () => {
      throw new Error("secret detail");
    });
    const response = await gateway.fetch(requestOf("/kv/k", {}));
    expect([response.status, await response.json()]).toMatchObject([500, { code: "internal" }]);
    expect(gateway.logged.map(String)).toEqual(["Error: secret detail"]);
  });

  test("the token of a deployment is asked for", async () => {
    const gateway = testGateway({
      INITIAL_CLUSTER: "r1=enam,r2=weur,r3=apac-ne",
      REPLICA: {},
      API_TOKEN: "secret",
    });
    const put = (token: string) =>
      gateway.fetch(
        requestOf("/kv/k", {
          method: "PUT",
          body: "v",
          headers: { ...ANNOUNCED, authorization: `Bearer ${token}` },
        }),
      );
    expect((await put("wrong")).status).toBe(401);
    expect((await gateway.fetch(requestOf("/kv/k", {}))).status).toBe(401);
    expect((await put("secret")).status).toBe(200);
    expect(gateway.store.kvs).toHaveLength(1);
  });
});

test("a put's command is what the general encoder makes", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 17 }),
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.uint8Array({ maxLength: 20_000 }),
      (opId, seen, key, value) => {
        const put = create(PutRequestSchema, { key, value });
        const command = create(CommandSchema, {
          opId,
          seen: BigInt(seen),
          request: { case: "put", value: put },
        });
        expect(encodePutCommand(opId, seen, key, value)).toEqual(toBinary(CommandSchema, command));
      },
    ),
  );
});
