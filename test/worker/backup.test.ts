/** A backup through etcd's Snapshot and the command line, loaded into another cluster. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../scripts/cli/program.mjs";
import { eventually } from "./support/eventually.ts";
import { type Answer, KvClient } from "./support/kv-client.ts";
import { LeaderBook } from "./support/leader-book.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "edged-backup-"));
});
afterAll(() => rm(folder, { recursive: true }));

const base64 = (text: string) => Buffer.from(text).toString("base64");

function v3(client: KvClient, name: string, body: unknown): Promise<Answer> {
  return client.request("POST", `/v3/${name}`, JSON.stringify(body));
}

async function edged(cluster: WorkerCluster, ...args: readonly string[]) {
  let told = "";
  const sink = { write: (text: string) => (told += text) } as unknown as NodeJS.WritableStream;
  const io = { env: {}, stdin: process.stdin, stdout: sink, stderr: sink };
  const code = await runCli(["--endpoint", cluster.client.url, "--command-timeout", "60s", ...args], io);
  return { code, told };
}

/** A cluster of its own in the same Worker. */
function other(cluster: WorkerCluster, name: string): KvClient {
  return new KvClient(`${cluster.client.url}/clusters/${name}`, new LeaderBook());
}

describe("a backup", { timeout: 120_000 }, () => {
  test("brings back every key with its history, leases and users, on all replicas alike", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { ALLOW_CLUSTER_CREATE: "true" } });
    const { client, members } = cluster;
    await eventually("a write", async () => ((await client.put("first", "1")).status === 200 ? true : null));
    await v3(client, "lease/grant", { ID: "77", TTL: "3600" });
    await v3(client, "kv/put", { key: base64("leased"), value: base64("x"), lease: "77" });
    for (let i = 0; i < 40; i += 1) await client.put(`k${i % 9}`, `${i}${"v".repeat(20_000)}`);
    await client.request("DELETE", "/kv/k3");
    await v3(client, "kv/compaction", { revision: "12" });
    await v3(client, "auth/role/add", { name: "reader" });
    await v3(client, "auth/user/add", { name: "ann", password: "secret" });
    const file = path.join(folder, "backup");
    expect(await edged(cluster, "snapshot", "save", file)).toMatchObject({ code: 0 });
    // What comes later is not in it.
    const later = (await client.put("later", "1")).modRevision ?? 0;

    const copy = other(cluster, "copy");
    const restored = await edged(cluster, "--cluster", "copy", "restore", file, "--json");
    expect(restored).toMatchObject({ code: 0 });
    expect(JSON.parse(restored.told)).toMatchObject({ revision: later - 1 });
    const hash = async (from: KvClient, replica: string) =>
      (await from.request("GET", `/hashkv?revision=${later - 1}`, null, { replica })).json?.["hash"];
    const expected = await hash(client, "r1");
    expect(expected).toBeTypeOf("number");
    await eventually("all replicas have it", async () => {
      const hashes = await Promise.all(members.map((member) => hash(copy, member)));
      return hashes.every((each) => each === expected) ? true : null;
    });
    expect(await copy.get("later")).toMatchObject({ status: 404 });
    expect(await copy.get("k3")).toMatchObject({ status: 404 });
    expect((await copy.get("k4")).text).toBe((await client.get("k4")).text);
    expect((await copy.request("GET", "/kv/?prefix=&revision=20")).text).toBe(
      (await client.request("GET", "/kv/?prefix=&revision=20")).text,
    );
    expect(await v3(copy, "kv/range", { key: base64("a"), revision: "3" })).toMatchObject({ status: 400 });
    expect((await v3(copy, "lease/timetolive", { ID: "77", keys: true })).json).toMatchObject({
      grantedTTL: "3600",
      keys: [base64("leased")],
    });
    expect((await v3(copy, "lease/keepalive", { ID: "77" })).text).toContain('"TTL":"3600"');
    expect((await v3(copy, "auth/user/list", {})).json).toMatchObject({ users: ["ann"] });
    // It goes on from there.
    expect((await copy.put("next", "1")).modRevision).toBe(later);
    expect((await v3(copy, "lease/revoke", { ID: "77" })).status).toBe(200);
    expect(await copy.get("leased")).toMatchObject({ status: 404 });

    // Only an empty cluster takes one.
    const again = await edged(cluster, "--cluster", "copy", "restore", file);
    expect(again).toMatchObject({ code: 1 });
    expect(again.told).toContain("empty cluster only");
    const bumped = await edged(
      cluster,
      "--cluster",
      "bumped",
      "restore",
      file,
      "--bump-revision",
      "1000",
      "--json",
    );
    expect(JSON.parse(bumped.told)).toMatchObject({ revision: later - 1 + 1000 });
    expect((await other(cluster, "bumped").put("next", "1")).modRevision).toBe(later + 1000);

    const damaged = path.join(folder, "damaged");
    const bytes = await readFile(file);
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    await writeFile(damaged, bytes);
    expect((await edged(cluster, "--cluster", "third", "restore", damaged)).told).toContain(
      "checksum is wrong",
    );
  });

  test("is restored in order, by parts that may come twice, and nothing else is served meanwhile", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { ALLOW_CLUSTER_CREATE: "true" } });
    const { client } = cluster;
    await eventually("a write", async () => ((await client.put("a", "1")).status === 200 ? true : null));
    const file = path.join(folder, "small");
    await edged(cluster, "snapshot", "save", file);
    const bytes = await readFile(file);
    const backup = bytes.subarray(-32).toString("hex");
    // A header's frame behind the magic, then one of rows.
    const length = bytes.readUInt32BE(15);
    const header = bytes.subarray(19, 19 + length);
    const rows = bytes.subarray(19 + length + 4, 19 + length + 4 + bytes.readUInt32BE(19 + length));
    const copy = other(cluster, "copy");
    const send = (query: string, body: Uint8Array) =>
      copy.request("POST", `/restore?backup=${backup}&${query}`, new Uint8Array(body));
    await eventually("the first part is taken", async () =>
      (await send("part=0", header)).status === 200 ? true : null,
    );
    expect(await copy.put("a", "2")).toMatchObject({ status: 503 });
    expect((await send("part=2&last=true", header)).status).toBe(412);
    expect(await send("part=0", header)).toMatchObject({ status: 200, json: { parts: 1 } });
    const foreign = `/restore?backup=${"0".repeat(64)}&part=1`;
    expect(await copy.request("POST", foreign, new Uint8Array(header))).toMatchObject({ status: 412 });
    expect(await send("part=1&last=true", Buffer.concat([header, rows]))).toMatchObject({ status: 200 });
    expect((await copy.get("a")).text).toBe("1");
    // Whoever did not hear of it asks again; until something else is written.
    expect((await send("part=1&last=true", Buffer.concat([header, rows]))).status).toBe(200);
    expect((await copy.put("a", "2")).status).toBe(200);
    expect((await send("part=1&last=true", Buffer.concat([header, rows]))).status).toBe(412);
  });
});
