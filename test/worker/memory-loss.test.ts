/** Objects that lose their memory: everything that matters is in the database, on the real Worker. */
import { describe, expect, test } from "vitest";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";
import { WriteLoad } from "./support/write-load.ts";

/** The revision of a store nobody has written to. */
const EMPTY = 1;

/** Room for a machine that has much else to do; nothing here depends on being fast. */
const STORM = { timeout: 150_000 };

describe("memory lost in the middle of a write load", STORM, () => {
  test("of each object in turn: every acknowledged write is there afterwards, none twice", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "100" } });
    const { client, members } = cluster;
    await untilLed(client, members);
    const load = new WriteLoad([client], "load");
    for (const member of [...members, ...members]) {
      await load.untilAcked(40);
      await cluster.abort(member);
    }
    await load.untilAcked(40);
    await cluster.abort(await leaderOf(client, members));
    await load.untilAcked(40);
    await load.stop();
    expect(load.problems(await untilSame(client, members), EMPTY)).toEqual([]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("of all objects at once, again and again", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "100" } });
    const { client, members } = cluster;
    await untilLed(client, members);
    const load = new WriteLoad([client], "load");
    for (let round = 0; round < 5; round += 1) {
      await load.untilAcked(60);
      await cluster.abort(...members);
    }
    await load.untilAcked(60);
    await load.stop();
    expect(load.problems(await untilSame(client, members), EMPTY)).toEqual([]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("with one replica there is nobody to ask: it still has everything", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 1, vars: { SNAPSHOT_EVERY: "10" } });
    const { client, members } = cluster;
    const load = new WriteLoad([client], "load");
    for (let round = 0; round < 8; round += 1) {
      await load.untilAcked(30);
      await cluster.abort("r1");
    }
    await load.stop();
    expect(load.problems(await untilSame(client, members), EMPTY)).toEqual([]);
  });
});

describe("boot from the database at any moment", () => {
  test("every object is aborted between every two requests", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "10" } });
    const { client, members } = cluster;
    const forget = async (): Promise<void> => {
      const before = await cluster.starts();
      await cluster.abort(...members);
      await client.status();
      const after = await cluster.starts();
      for (const member of members) expect(after[member]).toBeGreaterThan(before[member] ?? 0);
    };
    await untilLed(client, members);
    const created = await client.put("a", "1");
    expect([created.status, created.modRevision]).toEqual([200, 2]);
    await forget();
    expect((await client.get("a")).text).toBe("1");
    await forget();
    const swapped = await client.put("a", "2", { headers: { "If-Match": '"2"' } });
    expect([swapped.status, swapped.modRevision]).toEqual([200, 3]);
    await forget();
    expect((await client.put("a", "3", { headers: { "If-Match": '"2"' } })).status).toBe(412);
    await forget();
    const headers = { "Idempotency-Key": "b" };
    expect((await client.put("b", "1", { headers })).modRevision).toBe(4);
    await forget();
    // The memory of operations is in the database too.
    expect((await client.put("b", "1", { headers })).modRevision).toBe(4);
    await forget();
    expect((await client.request("DELETE", "/kv/b")).json).toEqual({ deleted: 1, revision: 5 });
    await forget();
    for (let i = 0; i < 12; i += 1) expect((await client.put(`c${i}`, "x")).status).toBe(200);
    await forget();
    expect((await client.request("GET", "/kv/a?revision=2")).text).toBe("1");
    await forget();
    const { keys, revision } = await untilSame(client, members);
    expect([keys.length, revision]).toEqual([13, 17]);
    expect(keys[0]).toEqual({ key: "a", value: "2", create_revision: 2, mod_revision: 3, version: 2 });
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("the platform evicts a replica that has nothing to do, as often as it likes", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 1 });
    const { client } = cluster;
    for (let i = 1; i <= 5; i += 1) {
      const written = await client.put("k", String(i));
      expect([written.status, written.modRevision]).toEqual([200, 1 + i]);
      await cluster.evict("r1");
      const read = await client.get("k");
      expect([read.text, read.headers.get("X-Edged-Version")]).toEqual([String(i), String(i)]);
      await cluster.evict("r1");
    }
    expect((await cluster.starts())["r1"]).toBeGreaterThanOrEqual(10);
  });
});
