/** Who a replica is: members that lost their databases, clusters beside each other, on the real Worker. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

// The refusals take the gateway's whole budget of time: both wait at the same time.
describe.concurrent("a replica that lost its database", () => {
  test.for(["follower", "leader"] as const)(
    "never votes or acknowledges again under its old id: a %s",
    async (role) => {
      await using cluster = await WorkerCluster.start({ replicas: 3 });
      const { client, members } = cluster;
      const leader = await leaderOf(client, members);
      expect((await client.put("k", "1")).status).toBe(200);
      await untilSame(client, members);
      const wiped = role === "leader" ? leader : (members.find((member) => member !== leader) ?? "");
      const rest = members.filter((member) => member !== wiped);
      await cluster.wipe(wiped);
      const status = await eventually("the replica knows what it lost", async () => {
        const { members: states } = await client.status();
        return states.find(({ name, stopped }) => name === wiped && stopped !== undefined) ?? null;
      });
      expect(status.stopped).toMatch(/database was lost.*add another/);
      expect(status.role).toBe("stopped");
      // The two others go on, with what they have.
      await untilLed(client, rest);
      expect((await client.put("k", "2")).status).toBe(200);
      expect((await untilSame(client, rest)).keys).toMatchObject([{ key: "k", value: "2", version: 2 }]);
      // It counts for nothing, after it lost its memory too: without another one there is no quorum.
      await cluster.abort(wiped);
      await cluster.suffer({ kind: "down", member: rest[0] ?? "" });
      const [write, read] = await Promise.all([
        client.put("k", "3", { headers: { "If-Match": '"1"' } }),
        client.getLocal("k", wiped),
      ]);
      expect([write.status, read.status]).toEqual([503, 503]);
      await cluster.heal();
      await untilLed(client, rest);
      expect((await client.get("k")).text).toBe("2");
      expect(await cluster.leaderConflicts()).toEqual([]);
    },
  );
});

describe("clusters beside each other", () => {
  test("have keys, revisions and leaders of their own", async () => {
    await using cluster = await WorkerCluster.start({
      replicas: 3,
      vars: { ALLOW_CLUSTER_CREATE: "true" },
    });
    const { client } = cluster;
    for (let i = 1; i <= 3; i += 1) {
      expect((await client.put("k", `default-${i}`)).modRevision).toBe(1 + i);
      const path = `/clusters/other-${i}/kv/k`;
      expect((await client.request("PUT", path, `other-${i}`)).modRevision).toBe(2);
    }
    for (let i = 1; i <= 3; i += 1) {
      expect((await client.request("GET", `/clusters/other-${i}/kv/k`)).text).toBe(`other-${i}`);
      const { json } = await client.request("GET", `/clusters/other-${i}/status`);
      expect(json).toMatchObject({ cluster: `other-${i}`, revision: 2, quorum: 2 });
    }
    expect((await client.get("k")).text).toBe("default-3");
  });
});
