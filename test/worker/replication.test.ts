/** Writes through any replica, their quorum, and replicas that catch up, on the real Worker. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import type { Answer } from "./support/kv-client.ts";
import { putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";

function other<T>(items: readonly T[], ...without: readonly T[]): T {
  const found = items.find((item) => !without.includes(item));
  if (found === undefined) throw new Error("nobody is left");
  return found;
}

/** A refusal for want of a quorum: says what is missing, when to come back, and what became of the write. */
function expectNoQuorum(answer: Answer, quorum: string): void {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(answer.json?.["code"]).toBe("unavailable");
  const { outcome, message } = answer.json ?? {};
  expect(["not_applied", "unknown"]).toContain(outcome);
  expect(message).toMatch(outcome === "unknown" ? /^outcome unknown: .*may or may not/ : new RegExp(quorum));
}

/** Takes other leaders away until `member` leads. */
async function untilLeads(cluster: WorkerCluster, member: string): Promise<void> {
  const { client, members } = cluster;
  for (;;) {
    const leader = await leaderOf(client, members);
    if (leader === member) return;
    await cluster.suffer({ kind: "down", member: leader });
    await untilLed(
      client,
      members.filter((rest) => rest !== leader),
    );
    await cluster.heal();
  }
}

describe("writes at the same moment", () => {
  test("name=John and name=Joe through two replicas are both ordered, alike everywhere", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (let round = 1; round <= 10; round += 1) {
      const key = `name-${round}`;
      const [john, joe] = await Promise.all([
        client.put(key, "John", { replica: members[round % 3] ?? "" }),
        client.put(key, "Joe", { replica: members[(round + 1) % 3] ?? "" }),
      ]);
      expect([john.status, joe.status]).toEqual([200, 200]);
      const later = (john.modRevision ?? 0) > (joe.modRevision ?? 0) ? "John" : "Joe";
      const revisions = [john.modRevision ?? 0, joe.modRevision ?? 0].sort((a, b) => a - b);
      expect(revisions).toEqual([2 * round, 2 * round + 1]);
      const { keys } = await untilSame(client, members);
      expect(keys.find((found) => found.key === key)).toEqual({
        key,
        value: later,
        create_revision: 2 * round,
        mod_revision: 2 * round + 1,
        version: 2,
      });
      for (const member of members) expect((await client.get(key, { replica: member })).text).toBe(later);
    }
  });

  test("of many conditional writes at once exactly one wins, whichever replica it came through", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const headers = { "If-None-Match": "*" };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        client.put("lock", `owner-${i}`, { replica: members[i % 3] ?? "", headers }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(412)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    const { keys, revision } = await untilSame(client, members);
    expect(revision).toBe(2);
    expect(keys).toMatchObject([{ key: "lock", value: `owner-${winner}`, version: 1 }]);
  });
});

describe("forwarding and the quorum of three", () => {
  test("a write and a linearizable read through any follower reach the leader's quorum", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const leader = await leaderOf(client, members);
    for (const replica of members) {
      const written = await client.put("k", replica, { replica });
      expect(written.status).toBe(200);
      expect(written.headers.get("X-Edged-Leader")).toBe(leader);
      // Read at once through the two others: they must not answer from what they had before.
      for (const reader of members) {
        const read = await client.get("k", { replica: reader });
        expect([read.text, read.headers.get("X-Edged-Replica")]).toEqual([replica, reader]);
      }
    }
  });

  test("with two of three up writes succeed; with one a clear refusal, never seen as a success later", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const leader = await leaderOf(client, members);
    const lost = other(members, leader);
    await cluster.suffer({ kind: "down", member: lost });
    const kept = await client.put("kept", "1", { replica: other(members, leader, lost) });
    expect(kept.status).toBe(200);
    await cluster.suffer(
      ...members.filter((member) => member !== leader).map((member) => ({ kind: "down", member }) as const),
    );
    const headers = { "Idempotency-Key": "only-once" };
    const [plain, keyed, conditional, read] = await Promise.all([
      client.put("kept", "2"),
      client.put("keyed", "first", { headers }),
      client.put("kept", "3", { headers: { "If-Match": `"${kept.modRevision}"` } }),
      client.get("kept"),
    ]);
    for (const answer of [plain, keyed, conditional]) expectNoQuorum(answer, "2 of 3 replicas must be up");
    expect(read.status).toBe(503);
    expect(read.json?.["message"]).toMatch(/consistency=serializable/);
    // What one replica has by itself can still be read where that is asked for.
    expect((await client.getLocal("kept", leader)).text).toBe("1");
    await cluster.heal();
    const { keys } = await untilSame(client, members);
    for (const [answer, key, value] of [
      [plain, "kept", "2"],
      [keyed, "keyed", "first"],
      [conditional, "kept", "3"],
    ] as const) {
      if (answer.json?.["outcome"] !== "not_applied") continue;
      expect(keys.find((found) => found.key === key)?.value).not.toBe(value);
    }
    // The same write once more: applied once in all, whether or not the first attempt was.
    expect(await putUntilAcked(client, "keyed", "first", "only-once")).toBeGreaterThan(kept.modRevision ?? 0);
    const after = await untilSame(client, members);
    expect(after.keys.find(({ key }) => key === "keyed")).toMatchObject({ value: "first", version: 1 });
  });
});

describe("a replica that was away", () => {
  test("receives what it missed by log", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "1000" } });
    const { client, members } = cluster;
    const away = other(members, await leaderOf(client, members));
    await cluster.suffer({ kind: "down", member: away });
    for (let i = 0; i < 30; i += 1) expect((await client.put(`k${i % 7}`, `v${i}`)).status).toBe(200);
    expect((await client.request("DELETE", "/kv/k0")).status).toBe(200);
    await cluster.heal();
    const { keys, revision } = await untilSame(client, members);
    expect([keys.length, revision]).toEqual([6, 32]);
    const status = await client.status();
    expect(status.members.find(({ name }) => name === away)?.first_index).toBe(1);
  });

  test("receives a snapshot when the log is gone, old revisions and operation ids with it", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "10" } });
    const { client, members } = cluster;
    const away = other(members, await leaderOf(client, members));
    await cluster.suffer({ kind: "down", member: away });
    const headers = { "Idempotency-Key": "before-the-snapshot" };
    const once = await client.put("once", "1", { headers });
    const big = "x".repeat(200_000);
    for (let i = 0; i < 40; i += 1) {
      expect((await client.put(`k${i % 7}`, i < 10 ? big : `v${i}`)).status).toBe(200);
    }
    expect((await client.request("DELETE", "/kv/k0")).status).toBe(200);
    const missed = await client.status();
    const leaderFirst = missed.members.find(({ role }) => role === "leader")?.first_index ?? 0;
    expect(leaderFirst).toBeGreaterThan(20);
    await cluster.heal();
    const { keys, revision } = await untilSame(client, members);
    expect([keys.length, revision]).toEqual([7, 43]);
    const status = await client.status();
    expect(status.members.find(({ name }) => name === away)?.first_index).toBeGreaterThan(20);
    // History came with it: k1 as it was first.
    const old = `/kv/k1?revision=${(once.modRevision ?? 0) + 2}&consistency=serializable`;
    expect((await client.request("GET", old, null, { replica: away })).text).toBe(big);
    // So did the memory of operations, which counts once this replica leads.
    await untilLeads(cluster, away);
    const again = await client.put("once", "1", { headers, replica: away });
    expect([again.status, again.modRevision]).toEqual([200, once.modRevision]);
    expect((await client.get("once")).headers.get("X-Edged-Version")).toBe("1");
  });

  test("goes on pulling its snapshot when it loses its memory on the way, or its leader", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "10" } });
    const { client, members } = cluster;
    const leader = await leaderOf(client, members);
    const away = other(members, leader);
    await cluster.suffer({ kind: "down", member: away });
    // Several chunks of half a megabyte.
    const big = "x".repeat(400_000);
    for (let i = 0; i < 15; i += 1) expect((await client.put(`k${i}`, `${big}${i}`)).status).toBe(200);
    await cluster.heal();
    for (let i = 0; i < 5; i += 1) await cluster.abort(away);
    await cluster.abort(leader);
    await untilSame(client, members);
    const { members: states } = await client.status();
    expect(states.find(({ name }) => name === away)?.first_index).toBeGreaterThan(5);
  });
});

describe("repeating a write", () => {
  test("the same Idempotency-Key through every replica gives the same answer and is applied once", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    const headers = { "Idempotency-Key": "payment-1" };
    const first = await client.put("paid", "yes", { headers });
    expect(first.status).toBe(200);
    expect((await client.put("between", "1")).status).toBe(200);
    for (const replica of [...members, ...members]) {
      const again = await client.put("paid", "yes", { headers, replica });
      expect([again.status, again.modRevision, again.json]).toEqual([200, first.modRevision, first.json]);
    }
    const { keys, revision } = await untilSame(client, members);
    expect(revision).toBe(3);
    expect(keys.find(({ key }) => key === "paid")).toMatchObject({
      version: 1,
      mod_revision: first.modRevision,
    });
  });

  test("many repetitions at the same moment are applied once, through an election too", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    for (let round = 1; round <= 3; round += 1) {
      const leader = await leaderOf(client, members);
      const headers = { "Idempotency-Key": `storm-${round}` };
      const attempts = Array.from({ length: 9 }, (_, i) =>
        client.put(`storm-${round}`, "v", { headers, replica: members[i % 3] ?? "" }),
      );
      await cluster.abort(leader);
      const answers = await Promise.all(attempts);
      const acked = answers.filter(({ status }) => status === 200);
      expect(acked.length).toBeGreaterThan(0);
      expect(new Set(acked.map(({ modRevision }) => modRevision)).size).toBe(1);
    }
    const { keys, revision } = await untilSame(client, members);
    expect(revision).toBe(4);
    expect(keys.map(({ version }) => version)).toEqual([1, 1, 1]);
  });

  test("a delete that is repeated says the same, though the key is long gone and back", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await client.put("a", "1");
    const headers = { "Idempotency-Key": "delete-a" };
    const first = await client.request("DELETE", "/kv/a", null, { headers });
    expect(first.json).toEqual({ deleted: 1, revision: 3 });
    await client.put("a", "2");
    for (const replica of members) {
      const again = await client.request("DELETE", "/kv/a", null, { headers, replica });
      expect(again.json).toEqual(first.json);
    }
    await eventually("the key put after the delete is there", async () =>
      (await client.get("a")).text === "2" ? true : null,
    );
  });
});
