/** The table of quorum and fault tolerance, shown by running each size on the real Worker. */
import { describe, expect, test } from "vitest";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import { type Fault, putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";

// Each refusal takes the gateway's whole budget of time: the sizes wait at the same time.
describe.concurrent("replicas: quorum and fault tolerance", () => {
  test.for([
    [1, 1, 0],
    [2, 2, 0],
    [3, 2, 1],
    [4, 3, 1],
    [5, 3, 2],
    [6, 4, 2],
    [7, 4, 3],
  ] as const)(
    "%i replicas: quorum %i, survives the loss of %i and not of one more",
    async ([replicas, quorum, tolerance]) => {
      await using cluster = await WorkerCluster.start({
        replicas,
        vars: { HEARTBEAT_MS: "100", ELECTION_MS: "600" },
      });
      const { client, members } = cluster;
      expect(await untilLed(client, members)).toMatchObject({
        quorum,
        fault_tolerance: tolerance,
        has_quorum: true,
      });
      expect((await client.put("k", "all")).status).toBe(200);

      // The leader is the first to go, where one may go at all.
      const leader = await leaderOf(client, members);
      const order = [leader, ...members.filter((member) => member !== leader)];
      const down = (count: number): Fault[] =>
        order.slice(0, count).map((member) => ({ kind: "down", member }));
      await cluster.suffer(...down(tolerance));
      expect((await client.put("k", "tolerance")).status).toBe(200);
      expect((await client.get("k")).text).toBe("tolerance");
      expect((await client.status()).has_quorum).toBe(true);

      await cluster.suffer(...down(tolerance + 1));
      const headers = { "If-Match": '"1"' };
      const [write, read, health] = await Promise.all([
        // A condition that cannot hold: whatever becomes of it later, it changes nothing.
        client.put("k", "refused", { headers }),
        client.get("k"),
        client.request("GET", "/health"),
      ]);
      expect([write.status, read.status, health.status]).toEqual([503, 503, 503]);
      expect(write.headers.get("Retry-After")).toBe("1");
      expect((await client.status()).has_quorum).toBe(false);

      await cluster.suffer(...down(tolerance));
      await putUntilAcked(client, "k", "recovered", "recovered");
      await cluster.heal();
      const { keys } = await untilSame(client, members);
      expect(keys).toMatchObject([{ key: "k", value: "recovered", version: 3 }]);
      expect(await cluster.leaderConflicts()).toEqual([]);
    },
  );
});
