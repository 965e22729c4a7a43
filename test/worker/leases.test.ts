/** Leases, locks and elections on the real Worker: what ends, what stays, who holds. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { untilLed } from "./support/group.ts";
import type { KvClient } from "./support/kv-client.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

const STORM = { timeout: 60_000 };

const b64 = (text: string): string => Buffer.from(text).toString("base64");

async function call(
  client: KvClient,
  path: string,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  const { status, json, text } = await client.request("POST", `/v3/${path}`, JSON.stringify(body));
  expect(status, text).toBe(200);
  return json ?? {};
}

async function leases(client: KvClient): Promise<unknown> {
  return (await call(client, "lease/leases", {}))["leases"] ?? [];
}

async function untilGone(client: KvClient, key: string): Promise<void> {
  await eventually(`${key} is gone`, async () => (await client.get(key)).status === 404 || null);
}

describe("PUT /kv/{key}?ttl=", () => {
  test("puts a key that goes by itself, and its lease with it", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    const put = await client.put("k?ttl=2", "v");
    expect([put.status, put.json]).toEqual([200, { key: "k", revision: 2, ttl: 2 }]);
    expect((await client.get("k")).text).toBe("v");
    await untilGone(client, "k");
    expect(await leases(client)).toEqual([]);
    expect((await client.request("GET", "/v3/lease/leases")).status).toBe(405);
  });

  test("leaves no lease behind where nothing was put, and none where the key was put again", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 1 });
    const { client, members } = cluster;
    await untilLed(client, members);
    await client.put("k?ttl=600", "1");
    expect(await leases(client)).toHaveLength(1);
    const refused = await client.put("k?ttl=600", "2", { headers: { "If-None-Match": "*" } });
    expect(refused.status).toBe(412);
    expect(await leases(client)).toHaveLength(1);
    await client.put("k?ttl=600", "3");
    expect(await leases(client)).toHaveLength(1);
    await client.put("k", "4");
    expect(await leases(client)).toEqual([]);
    expect((await client.get("k")).text).toBe("4");
  });
});

describe("a lease", () => {
  test(
    "outlives its leader with its keys, can be renewed at the next one, and ends there",
    STORM,
    async () => {
      await using cluster = await WorkerCluster.start({ replicas: 3 });
      const { client, members } = cluster;
      await untilLed(client, members);
      await call(client, "lease/grant", { ID: "7", TTL: "3" });
      await call(client, "kv/put", { key: b64("k"), value: b64("v"), lease: "7" });
      const { leader } = await client.status();
      expect(leader).not.toBeNull();
      await cluster.suffer({ kind: "down", member: String(leader) });
      const renewed = await eventually("a new leader renews", async () => {
        const { json } = await client.request("POST", "/v3/lease/keepalive", JSON.stringify({ ID: "7" }));
        return (json?.["result"] as { readonly TTL?: string } | undefined)?.TTL ?? null;
      });
      expect(renewed).toBe("3");
      expect((await client.get("k")).text).toBe("v");
      expect((await client.status()).leader).not.toBe(leader);
      await untilGone(client, "k");
      await cluster.heal();
      const { json } = await client.request("POST", "/v3/lease/keepalive", JSON.stringify({ ID: "7" }));
      expect(json?.["result"]).toEqual({ header: expect.anything(), ID: "7" });
    },
  );

  test("ends though every replica loses its memory meanwhile", STORM, async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    await client.put("k?ttl=2", "v");
    for (const member of members) await cluster.evict(member);
    await untilGone(client, "k");
  });
});

describe("a lock", () => {
  test("passes from holder to holder with rising fencing tokens", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    const lock = () => client.request("POST", "/v3/lock/lock", JSON.stringify({ name: b64("m") }));
    const first = await lock();
    const waiting = lock();
    await eventually("the second waits", async () => {
      const { json } = await client.request("GET", "/kv/?prefix=m/");
      return ((json?.["keys"] ?? []) as unknown[]).length === 2 || null;
    });
    await call(client, "lock/unlock", { key: first.json?.["key"] ?? "" });
    const second = await waiting;
    expect(second.json).toMatchObject({ key: expect.any(String) });
    const tokens = [first, second].map(({ headers }) => Number(headers.get("X-Edged-Fencing-Token")));
    expect(tokens).toEqual([2, 3]);
  });

  test("is not held by a waiter whose lease ended: its answer breaks off", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (const ID of ["1", "2"]) await call(client, "lease/grant", { ID, TTL: "600" });
    await call(client, "lock/lock", { name: b64("m"), lease: "1" });
    const response = await fetch(`${client.url}/v3/lock/lock`, {
      method: "POST",
      body: JSON.stringify({ name: b64("m"), lease: "2" }),
    });
    const told = response.text();
    const broken = expect(told).rejects.toThrow();
    await call(client, "lease/revoke", { ID: "2" });
    await broken;
    const { json } = await client.request("GET", "/kv/?prefix=m/");
    expect(json?.["keys"]).toHaveLength(1);
  });

  test("leaves a place that the lease has already as it is", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    await call(client, "lease/grant", { ID: "1", TTL: "600" });
    await call(client, "kv/put", { key: b64("m/1"), value: b64("mine"), lease: "1" });
    expect(await call(client, "lock/lock", { name: b64("m"), lease: "1" })).toMatchObject({
      key: b64("m/1"),
    });
    expect(await client.request("GET", "/kv/m/1")).toMatchObject({ text: "mine" });
  });

  test("is lost by a waiter who hangs up", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    await call(client, "lock/lock", { name: b64("m") });
    const hangUp = new AbortController();
    const waiting = await fetch(`${client.url}/v3/lock/lock`, {
      method: "POST",
      body: JSON.stringify({ name: b64("m") }),
      signal: hangUp.signal,
    });
    expect(waiting.status).toBe(200);
    const keys = async () => (await client.request("GET", "/kv/?prefix=m/")).json?.["keys"] as unknown[];
    expect(await keys()).toHaveLength(2);
    hangUp.abort();
    await eventually("the place is given up", async () => (await keys()).length === 1 || null);
    await eventually("its lease is given back", async () => {
      return ((await leases(client)) as unknown[]).length === 1 || null;
    });
  });
});
