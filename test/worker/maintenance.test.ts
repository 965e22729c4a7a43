/** Upkeep of a cluster on the real Worker: quota, hashes, handing leadership over, what monitoring reads. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { untilLed, untilSame } from "./support/group.ts";
import type { Answer, KvClient } from "./support/kv-client.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

const QUOTA_BYTES = 1024 * 1024;
const NO_SPACE = {
  error: "etcdserver: mvcc: database space exceeded",
  message: "etcdserver: mvcc: database space exceeded",
  code: 8,
};

function v3(client: KvClient, path: string, body: unknown, replica?: string): Promise<Answer> {
  const options = replica === undefined ? {} : { replica };
  return client.request("POST", `/v3/${path}`, JSON.stringify(body), options);
}

function headerOf({ json }: Answer): { readonly member_id: string; readonly revision: string } {
  return (json?.["header"] ?? {}) as { readonly member_id: string; readonly revision: string };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const put = (key: string, bytes: number) => ({ key: base64(key), value: base64("x".repeat(bytes)) });

async function memberIds(client: KvClient, members: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const member of members) {
    ids.set(member, headerOf(await v3(client, "maintenance/status", {}, member)).member_id);
  }
  return ids;
}

describe("the quota", () => {
  test("refuses on every replica what grows, until there is room and the alarm is disarmed", async () => {
    await using cluster = await WorkerCluster.start({
      replicas: 3,
      vars: { QUOTA_BYTES: String(QUOTA_BYTES) },
    });
    const { client, members } = cluster;
    await untilLed(client, members);
    let written = 0;
    const refused = await eventually("a write is refused", async () => {
      const answer = await v3(client, "kv/put", put(`k${written}`, 100_000));
      written += 1;
      return answer.status === 200 ? null : answer;
    });
    expect(refused).toMatchObject({ status: 429, json: NO_SPACE });
    // The database holds the log too.
    expect(written).toBeGreaterThan(2);
    for (const member of members) {
      expect(await v3(client, "kv/put", put("a", 1), member)).toMatchObject({ status: 429, json: NO_SPACE });
      const txn = { success: [{ request_put: put("a", 1) }] };
      expect(await v3(client, "kv/txn", txn, member)).toMatchObject({ status: 429 });
    }
    expect(await client.request("GET", "/health")).toMatchObject({ status: 503, text: '{"health":"false"}' });
    expect(await client.request("GET", "/health?exclude=NOSPACE")).toMatchObject({ status: 200 });
    expect((await client.request("GET", "/metrics")).text).toMatch(
      /edged_server_alarm\{member="r1",alarm="NOSPACE"\} 1/,
    );

    const { json: alarms } = await v3(client, "maintenance/alarm", { action: "GET" });
    const [alarm] = (alarms?.["alarms"] ?? []) as { readonly memberID: string; readonly alarm: string }[];
    expect(alarm).toMatchObject({ alarm: "NOSPACE" });
    // Too early: nothing was deleted, so the alarm is raised again.
    await v3(client, "maintenance/alarm", { action: "DEACTIVATE", ...alarm });
    await eventually("the alarm is back", async () => {
      const { json } = await v3(client, "maintenance/alarm", { action: "GET" });
      return json?.["alarms"] === undefined ? null : true;
    });

    const deletion = await v3(client, "kv/deleterange", {
      key: base64("k"),
      range_end: base64("l"),
    });
    expect(deletion.json).toMatchObject({ deleted: String(written - 1) });
    const { revision } = headerOf(deletion);
    expect(await v3(client, "kv/compaction", { revision })).toMatchObject({ status: 200 });
    await eventually("there is room", async () => {
      await v3(client, "maintenance/alarm", { action: "DEACTIVATE", ...alarm });
      const answer = await v3(client, "kv/put", put("a", 1));
      return answer.status === 200 ? true : null;
    });
    await untilSame(client, members);
  });
});

describe("maintenance", () => {
  test("hashes of one revision are equal on all replicas, and others are others", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (let i = 0; i < 20; i += 1) await client.put(`k${i % 7}`, `v${i}`);
    const revision = (await client.put("last", "one")).modRevision ?? 0;
    await untilSame(client, members);
    const hashes = async (at: number) =>
      Promise.all(
        members.map(async (replica) => {
          const { json } = await client.request("GET", `/hashkv?revision=${at}`, null, { replica });
          expect(json).toMatchObject({ revision: at, member: replica });
          return json?.["hash"];
        }),
      );
    const [first, ...others] = await hashes(revision);
    expect(others).toEqual([first, first]);
    expect(new Set([first, ...(await hashes(revision - 1))]).size).toBe(2);
    expect(await client.request("GET", `/hashkv?revision=${revision + 1}`)).toMatchObject({ status: 400 });
    await v3(client, "kv/compaction", { revision: String(revision) });
    await eventually("all have compacted", async () => {
      const answers = await Promise.all(
        members.map((replica) =>
          client.request("GET", `/hashkv?revision=${revision - 1}`, null, { replica }),
        ),
      );
      return answers.every(({ status, text }) => status === 400 && text.includes("compacted")) ? true : null;
    });
    expect(new Set(await hashes(revision)).size).toBe(1);
    const { json } = await v3(client, "maintenance/hash", {});
    expect(json?.["hash"]).toEqual((await hashes(revision))[0]);
  });

  test("leadership moves to the member that is named, whoever is asked", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const { leader } = await untilLed(client, members);
    const ids = await memberIds(client, members);
    const target = members.find((member) => member !== leader) ?? "";
    const targetID = ids.get(target);
    expect(await v3(client, "maintenance/transfer-leadership", { targetID })).toMatchObject({
      status: 200,
      text: "{}",
    });
    expect(await untilLed(client, members)).toMatchObject({ leader: target });
    // Who leads already is done at once.
    expect(await v3(client, "maintenance/transfer-leadership", { targetID })).toMatchObject({ status: 200 });
    expect(await v3(client, "maintenance/transfer-leadership", { targetID: "1" })).toMatchObject({
      status: 412,
    });
    const dead = members.find((member) => member !== target) ?? "";
    await cluster.suffer({ kind: "down", member: dead });
    expect(await v3(client, "maintenance/transfer-leadership", { targetID: ids.get(dead) })).toMatchObject({
      status: 500,
      json: { message: "etcdserver: request timed out, leader transfer took too long", code: 2 },
    });
    expect(await client.put("a", "1")).toMatchObject({ status: 200 });
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("metrics tell of every replica that is reached", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const { leader } = await untilLed(client, members);
    await client.put("a", "1");
    await untilSame(client, members);
    const { text, headers } = await client.request("GET", "/metrics");
    expect(headers.get("Content-Type")).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const member of members) {
      expect(text).toContain(`etcd_server_has_leader{member="${member}"} 1\n`);
      expect(text).toContain(`etcd_server_is_leader{member="${member}"} ${member === leader ? 1 : 0}\n`);
      expect(text).toContain(`etcd_debugging_mvcc_current_revision{member="${member}"} 2\n`);
    }
    const names = text
      .split("\n")
      .filter((line) => line.startsWith("# TYPE"))
      .map((line) => line.split(" ")[2]);
    expect(new Set(names).size).toBe(names.length);
    const dead = members.find((member) => member !== leader) ?? "";
    await cluster.suffer({ kind: "down", member: dead });
    const later = (await client.request("GET", "/metrics")).text;
    expect(later).toContain(`edged_member_reachable{member="${dead}"} 0\n`);
    expect(later).not.toContain(`etcd_server_has_leader{member="${dead}"}`);
  });
});
