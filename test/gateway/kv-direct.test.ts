/** What takes the direct way is answered as everything else is. */
import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { encodePutCommand } from "../../src/wire/put-command.ts";
import { testGateway } from "./fakes.ts";
import type { Gateway } from "./requests.ts";

/** A put whose length is announced, as HTTP clients do it, may go the direct way; the other one does not. */
const DIRECT = { "content-length": "1" };

async function outcome(gateway: Gateway, path: string, init: RequestInit): Promise<unknown> {
  const response = await gateway.app.request(path, init);
  const headers = Object.fromEntries(response.headers);
  return { status: response.status, headers, body: await response.text() };
}

async function both(common: readonly [string, RequestInit], direct: readonly [string, RequestInit]) {
  const [one, other] = [testGateway(), testGateway()];
  const answers = [];
  for (const [gateway, [path, init]] of [
    [one, common],
    [other, direct],
  ] as const) {
    await gateway.app.request("/kv/k", { method: "PUT", body: "v" });
    answers.push({ answer: await outcome(gateway, path, init), store: gateway.store.kvs });
  }
  return answers;
}

describe("the direct way", () => {
  test("a put is answered and stored alike", async () => {
    const put = { method: "PUT", body: "x" };
    const [common, direct] = await both(["/kv/a/b.c", put], ["/kv/a/b.c", { ...put, headers: DIRECT }]);
    expect(direct).toEqual(common);
    expect(direct?.answer).toMatchObject({ status: 200, body: '{"key":"a/b.c","revision":3}' });
  });

  test.each(["", "?consistency=serializable"])("a get%s is answered alike", async (query) => {
    const [common, direct] = await both([`/kv/%6B${query}`, {}], [`/kv/k${query}`, {}]);
    expect(direct).toEqual(common);
  });

  test("a missing key is answered alike", async () => {
    const [common, direct] = await both(["/kv/%6Bk", {}], ["/kv/kk", {}]);
    expect(direct).toEqual(common);
  });

  test("the token of a deployment is asked for", async () => {
    const gateway = testGateway({
      INITIAL_CLUSTER: "r1=enam,r2=weur,r3=apac-ne",
      REPLICA: {},
      API_TOKEN: "secret",
    });
    const put = (token: string) =>
      gateway.app.request("/kv/k", {
        method: "PUT",
        body: "v",
        headers: { ...DIRECT, authorization: `Bearer ${token}` },
      });
    expect((await put("wrong")).status).toBe(401);
    expect((await gateway.app.request("/kv/k")).status).toBe(401);
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
