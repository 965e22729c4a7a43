/** Which header a user's token is taken from, and what a replica is told of it. */
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/durable/config.ts";
import { createApp } from "../../src/gateway/app.ts";
import { tokenDigest } from "../../src/gateway/sign-in-token.ts";
import { ENV, FakeClock, FakeEntropy, FakeStore, fakeReplicas } from "./fakes.ts";

const API_TOKEN = "the-token-of-the-deployment";
const RANGE = { method: "POST", body: '{"key":"YQ=="}' };

/** The token that a replica is told for a request with these headers; undefined if none was asked. */
async function told(path: string, headers: Record<string, string>, env = ENV): Promise<unknown> {
  let token: unknown;
  const replicas = fakeReplicas(new FakeStore());
  const { app } = createApp({
    config: parseConfig(env),
    replicas: () => (cluster, member) => {
      const replica = replicas.directory(cluster, member);
      return {
        ...replica,
        status: (timeoutMs) => replica.status(timeoutMs),
        range: (call) => {
          token = call.token;
          return replica.range(call);
        },
      };
    },
    clock: new FakeClock(),
    entropy: new FakeEntropy(),
    log: () => undefined,
  });
  const request = path.startsWith("/kv") ? { headers } : { ...RANGE, headers };
  await app.request(path, request);
  return token;
}

describe("a replica is told", () => {
  test("nothing, where there is no token", async () => {
    expect(await told("/v3/kv/range", {})).toBe(null);
    expect(await told("/v3/kv/range", { Token: "t" })).toBe(null);
    expect(await told("/kv/a", {})).toBe(null);
  });

  test.each([
    ["/v3/kv/range", { Authorization: "t" }],
    ["/v3beta/kv/range", { Authorization: "t" }],
    ["/v3/kv/range", { "Grpc-Metadata-Token": "t" }],
    ["/v3/kv/range", { "Grpc-Metadata-Authorization": "t" }],
    ["/v3/kv/range", { "Grpc-Metadata-Token": "t", Authorization: "other" }],
    ["/kv/a", { Authorization: "t" }],
    ["/kv/a", { Authorization: "Bearer t" }],
    ["/kv/a", { Authorization: "bearer  t" }],
  ])("only the digest of the token: %s with %o", async (path, headers) => {
    expect(await told(path, headers)).toBe(await tokenDigest("t"));
  });

  test("etcd's JSON takes the header as it is", async () => {
    expect(await told("/v3/kv/range", { Authorization: "Bearer t" })).toBe(await tokenDigest("Bearer t"));
  });

  test("never the deployment's own token", async () => {
    const env = { ...ENV, API_TOKEN };
    const headers = { Authorization: `Bearer ${API_TOKEN}` };
    expect(await told("/v3/kv/range", headers, env)).toBe(null);
    expect(await told("/kv/a", headers, env)).toBe(null);
    expect(await told("/v3/kv/range", { ...headers, "Grpc-Metadata-Token": "t" }, env)).toBe(
      await tokenDigest("t"),
    );
    expect(await told("/v3/kv/range", { "Grpc-Metadata-Token": API_TOKEN }, env)).toBe(undefined);
  });
});
