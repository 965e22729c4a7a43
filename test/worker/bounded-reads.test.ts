/** `max_staleness` on the real Worker: what a replica tells without asking anybody, and for how long. */
import { expect, test } from "vitest";
import { leaderOf } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

test("a follower answers by what it was told, asks anew when that is too old, and then has to hear its leader", async () => {
  const vars = { HEARTBEAT_MS: "100", ELECTION_MS: "1500" };
  await using cluster = await WorkerCluster.start({ replicas: 3, vars });
  const { client, members } = cluster;
  const leader = await leaderOf(client, members);
  const follower = members.find((member) => member !== leader) ?? "";
  const read = (maxStalenessMs: number) =>
    client.request("GET", `/kv/k?max_staleness=${maxStalenessMs}`, null, { replica: follower });

  expect((await client.put("k", "1")).status).toBe(200);
  // Knowing nothing, it asks.
  expect((await read(3_600_000)).text).toBe("1");
  await cluster.suffer({
    kind: "partition",
    sides: [members.filter((member) => member !== follower), [follower]],
  });
  expect((await client.put("k", "2")).status).toBe(200);
  const beganAt = performance.now();
  expect((await read(3_600_000)).text).toBe("1");
  // With nobody to ask, an answer at once is one that needed nobody.
  expect(performance.now() - beganAt).toBeLessThan(1_000);
  expect((await read(1)).status).toBe(503);
  await cluster.heal();
  expect((await read(1)).text).toBe("2");
});
