/** Electing a leader and keeping it, on the real Worker. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

describe("elections", () => {
  test("a fresh cluster of three elects exactly one leader, and the followers hear it", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const { leader, term, members: states, quorum, fault_tolerance } = await untilLed(client, members);
    expect({ quorum, fault_tolerance }).toEqual({ quorum: 2, fault_tolerance: 1 });
    expect(states.map(({ role }) => role).sort()).toEqual(["follower", "follower", "leader"]);
    for (const state of states) expect(state).toMatchObject({ leader, term });
    // The leader hears both followers answer its heartbeats again and again.
    for (let round = 0; round < 3; round += 1) {
      await eventually("each follower was heard within one election timeout", async () => {
        const followers = (await client.status()).members.filter(({ role }) => role === "follower");
        const heard = followers.map(({ heard_ms_ago }) => heard_ms_ago ?? Number.POSITIVE_INFINITY);
        return heard.length === 2 && heard.every((ms) => ms < 300) ? true : null;
      });
    }
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("when the leader is killed another one is elected in a later term, and the old one comes back as follower", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    const first = await untilLed(client, members);
    const dead = first.leader ?? "";
    expect((await client.put("name", "john")).status).toBe(200);
    await cluster.suffer({ kind: "down", member: dead });
    const rest = members.filter((member) => member !== dead);
    const second = await untilLed(client, rest);
    expect(rest).toContain(second.leader);
    expect(second.term).toBeGreaterThan(first.term ?? 0);
    expect((await client.get("name")).text).toBe("john");
    expect((await client.put("name", "joe")).status).toBe(200);
    await cluster.heal();
    const healed = await untilLed(client, members);
    expect(healed.members.find(({ name }) => name === dead)?.role).toBe("follower");
    const { keys } = await untilSame(client, members);
    expect(keys).toMatchObject([{ key: "name", value: "joe", version: 2 }]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("through many leaders' deaths no term ever has two leaders", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 5 });
    const { client, members } = cluster;
    for (let round = 1; round <= 6; round += 1) {
      const leader = await leaderOf(client, members);
      const rest = members.filter((member) => member !== leader);
      // By turns: dead, cut off without knowing it, robbed of its memory.
      if (round % 3 === 0) await cluster.abort(leader);
      else if (round % 3 === 1) await cluster.suffer({ kind: "down", member: leader });
      else await cluster.suffer({ kind: "partition", sides: [[leader], rest] });
      // One that only lost its memory is back at once, and may well be elected again, in a later term.
      await untilLed(client, round % 3 === 0 ? members : rest);
      expect((await client.put("round", String(round))).status).toBe(200);
      await cluster.heal();
    }
    const { keys } = await untilSame(client, members);
    expect(keys).toMatchObject([{ key: "round", value: "6", version: 6 }]);
    expect(await cluster.leaderConflicts()).toEqual([]);
    expect(cluster.book.terms.length).toBeGreaterThanOrEqual(5);
  });

  test("alarms alone suffice: to elect, to beat, to notice a dead leader, to wake after eviction", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { TEST_ALARMS_ONLY: "true" } });
    const { client, members } = cluster;
    const { leader } = await untilLed(client, members);
    expect((await client.put("a", "1")).status).toBe(200);
    await eventually("the followers are heard", async () => {
      const followers = (await client.status()).members.filter(({ role }) => role === "follower");
      return followers.every(({ heard_ms_ago }) => (heard_ms_ago ?? Number.POSITIVE_INFINITY) < 300)
        ? true
        : null;
    });
    await cluster.suffer({ kind: "down", member: leader ?? "" });
    await untilLed(
      client,
      members.filter((member) => member !== leader),
    );
    expect((await client.put("b", "2")).status).toBe(200);
    await cluster.heal();
    await untilSame(client, members);
    // Nobody calls the replicas now: only their alarms can start them again.
    const before = await cluster.starts();
    await cluster.abort(...members);
    await eventually("every replica's alarm has started it again", async () => {
      const after = await cluster.starts();
      return members.every((member) => (after[member] ?? 0) > (before[member] ?? 0)) ? true : null;
    });
    expect((await client.put("c", "3")).status).toBe(200);
    const { keys } = await untilSame(client, members);
    expect(keys.map(({ key, value }) => key + value)).toEqual(["a1", "b2", "c3"]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });
});
