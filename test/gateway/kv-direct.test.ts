/** What takes the direct way is answered as everything else is. */
import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { encodePutCommand } from "../../src/wire/put-command.ts";
import { testGateway } from "./fakes.ts";

/** A put whose length is announced, as HTTP clients do it, may go the direct way; without, it does not. */
const ANNOUNCED = { "content-length": "1" };

async function outcome(response: Response): Promise<unknown> {
  const headers = Object.fromEntries(response.headers);
  return { status: response.status, headers, body: await response.text() };
}

function requestOf(path: string, init: RequestInit): Request {
  return new Request(`http://localhost${path}`, init);
}

/** What becomes of a request the common way and the direct way, each in a store of its own. */
async function both(path: string, init: RequestInit = {}) {
  const [one, other] = [testGateway(), testGateway()];
  const answers = [];
  for (const [gateway, fetch] of [
    [one, one.app.fetch],
    [other, other.fetch],
  ] as const) {
    await gateway.app.request("/kv/k", { method: "PUT", body: "v" });
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

  test.each(["Origin", "If-Match", "X-Edged-Replica"])("is not for requests with %s", async (name) => {
    const [common, direct] = await both("/kv/k", { headers: { [name]: "*" } });
    expect(direct).toEqual(common);
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
