/** Networks that break in two or in one direction, on the real Worker. The gateway reaches everybody. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import type { KvClient } from "./support/kv-client.ts";
import { type Fault, putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";
import { WriteLoad } from "./support/write-load.ts";

/** Elections only when a test asks for one: no pause of this machine is so long. */
const CALM = { HEARTBEAT_MS: "100", ELECTION_MS: "1500" };

function without(members: readonly string[], ...some: readonly string[]): string[] {
  return members.filter((member) => !some.includes(member));
}

/** Two sides, the leader on the side it is asked to be on. */
function split(
  members: readonly string[],
  leader: string,
  leaderSide: number,
): readonly [withLeader: string[], without: string[]] {
  const rest = without(members, leader);
  return [[leader, ...rest.slice(0, leaderSide - 1)], rest.slice(leaderSide - 1)];
}

async function putThroughEach(
  client: KvClient,
  replicas: readonly string[],
  value: string,
): Promise<number[]> {
  const answers = await Promise.all(
    replicas.map((replica) => client.put(`from-${replica}`, value, { replica })),
  );
  return answers.map(({ status }) => status);
}

describe.concurrent("partitions", () => {
  test.for([
    ["the leader among the four", 6, 4, "with-leader"],
    ["the leader among the two", 6, 2, "without-leader"],
    ["the leader among the four", 7, 4, "with-leader"],
    ["the leader among the three", 7, 3, "without-leader"],
  ] as const)(
    "%s of %i replicas, %i on its side: the four go on, the others refuse, then all are alike",
    async ([, replicas, leaderSide, majority]) => {
      await using cluster = await WorkerCluster.start({ replicas });
      const { client, members } = cluster;
      const sides = split(members, await leaderOf(client, members), leaderSide);
      const four = majority === "with-leader" ? sides[0] : sides[1];
      const others = without(members, ...four);
      expect(four).toHaveLength(4);
      await cluster.suffer({ kind: "partition", sides });
      await untilLed(client, four);
      const refused = putThroughEach(client, others, "refused");
      expect(await putThroughEach(client, four, "accepted")).toEqual([200, 200, 200, 200]);
      // A write that names no replica finds the way by itself.
      expect((await client.put("any", "accepted")).status).toBe(200);
      const [stale] = others;
      expect((await client.get("any", { replica: four[3] ?? "" })).text).toBe("accepted");
      expect((await client.get("any", { replica: stale ?? "" })).status).toBe(503);
      expect(await refused).toEqual(others.map(() => 503));
      await cluster.heal();
      const { keys } = await untilSame(client, members);
      for (const member of four) {
        expect(keys.find(({ key }) => key === `from-${member}`)).toMatchObject({
          value: "accepted",
          version: 1,
        });
      }
      expect(await cluster.leaderConflicts()).toEqual([]);
    },
  );

  test("three against three: nobody writes, nothing diverges, it heals by itself", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 6 });
    const { client, members } = cluster;
    const sides = split(members, await leaderOf(client, members), 3);
    expect((await client.put("k", "before")).status).toBe(200);
    await untilSame(client, members);
    await cluster.suffer({ kind: "partition", sides });
    expect(await putThroughEach(client, members, "during")).toEqual(members.map(() => 503));
    for (const member of members) {
      const { keys } = await client.listLocal(member);
      expect(keys).toMatchObject([{ key: "k", value: "before" }]);
    }
    await cluster.heal();
    await putUntilAcked(client, "k", "after", "after");
    const { keys } = await untilSame(client, members);
    expect(keys.find(({ key }) => key === "k")).toMatchObject({ value: "after", version: 2 });
    expect(await cluster.leaderConflicts()).toEqual([]);
  });
});

describe("a bad network", () => {
  test("calls that come late, overtake each other or arrive twice lose nothing and apply nothing twice", async () => {
    const vars = { SNAPSHOT_EVERY: "50" };
    await using cluster = await WorkerCluster.start({ replicas: 5, vars });
    const { client, members } = cluster;
    const network: Fault = { kind: "bad-network", delayMsMax: 60 };
    await untilLed(client, members);
    await cluster.suffer(network);
    const load = new WriteLoad([client], "late");
    for (let round = 0; round < 3; round += 1) {
      await load.untilAcked(40);
      const leader = await leaderOf(client, members);
      await cluster.suffer(network, { kind: "partition", sides: [[leader], without(members, leader)] });
      await load.untilAcked(40);
      await cluster.suffer(network);
    }
    await load.stop();
    await cluster.heal();
    expect(load.problems(await untilSame(client, members), 1)).toEqual([]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });
});

describe("a leader that does not know that it was deposed", () => {
  test("serves no stale linearizable read and acknowledges no write, though its clock stands still", async () => {
    // A successor that sleeps says nothing, and without time the old leader does not notice that.
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { QUIESCE_AFTER_MS: "0" } });
    const { client, members } = cluster;
    const old = await leaderOf(client, members);
    const rest = without(members, old);
    expect((await client.put("k", "old")).status).toBe(200);
    const asleep: Fault = { kind: "frozen-clock", member: old };
    await cluster.suffer(asleep, { kind: "partition", sides: [[old], rest] });
    await untilLed(client, rest);
    expect((await client.put("k", "new")).status).toBe(200);
    const { members: states } = await client.status();
    expect(states.find(({ name }) => name === old)?.role).toBe("leader");
    const [read, write, local] = await Promise.all([
      client.get("k", { replica: old }),
      client.put("k", "lost", { replica: old }),
      client.getLocal("k", old),
    ]);
    expect([read.status, write.status, local.text]).toEqual([503, 503, "old"]);
    expect(write.json?.["outcome"]).toBe("unknown");
    // It learns of its successor by the first message, whatever its clock says.
    await cluster.suffer(asleep);
    await eventually("the old leader answers as a follower", async () => {
      const answer = await client.get("k", { replica: old });
      expect(answer.status === 200 ? answer.text : "new").toBe("new");
      return answer.status === 200 ? true : null;
    });
    await cluster.heal();
    const { keys } = await untilSame(client, members);
    expect(keys).toMatchObject([{ key: "k", value: "new", version: 2 }]);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });
});

describe.concurrent("one-way cuts", () => {
  test.for([
    ["can send but not hear", "deaf"],
    ["can hear but not send", "mute"],
  ] as const)("a leader that %s gives way, and no term has two leaders", async ([, kind]) => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: CALM });
    const { client, members } = cluster;
    const leader = await leaderOf(client, members);
    const rest = without(members, leader);
    expect((await client.put("k", "1")).status).toBe(200);
    const cuts = rest.map(
      (other): Fault =>
        kind === "deaf"
          ? { kind: "one-way", from: other, to: leader }
          : { kind: "one-way", from: leader, to: other },
    );
    await cluster.suffer(...cuts);
    const { term } = await untilLed(client, rest);
    expect((await client.put("k", "2")).status).toBe(200);
    expect((await client.get("k")).text).toBe("2");
    await cluster.heal();
    const { keys } = await untilSame(client, members);
    expect(keys).toMatchObject([{ key: "k", value: "2", version: 2 }]);
    // The one that was cut off did not depose the new leader when it came back.
    expect((await client.status()).term).toBe(term);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("a follower that hears nothing campaigns in vain and deposes nobody when it hears again", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: CALM });
    const { client, members } = cluster;
    const { leader, term } = await untilLed(client, members);
    const [deaf, fine] = without(members, leader ?? "");
    await cluster.suffer(
      ...without(members, deaf ?? "").map((from): Fault => ({ kind: "one-way", from, to: deaf ?? "" })),
    );
    await eventually("the deaf follower campaigns", async () => {
      const { members: states } = await client.status();
      return states.find(({ name }) => name === deaf)?.role === "pre-candidate" ? true : null;
    });
    expect((await client.put("k", "1", { replica: fine ?? "" })).status).toBe(200);
    await cluster.heal();
    await untilSame(client, members);
    expect(await client.status()).toMatchObject({ leader, term });
  });

  test("a leader that one follower of two cannot reach goes on with the other, in its term", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: CALM });
    const { client, members } = cluster;
    const { leader, term } = await untilLed(client, members);
    const [lost, bridge] = without(members, leader ?? "");
    // Only this one link: the third replica reaches both ends of it (Cloudflare's outage of 2020).
    await cluster.suffer(
      { kind: "one-way", from: leader ?? "", to: lost ?? "" },
      { kind: "one-way", from: lost ?? "", to: leader ?? "" },
    );
    await eventually("the lost follower campaigns", async () => {
      const { members: states } = await client.status();
      return states.find(({ name }) => name === lost)?.role === "pre-candidate" ? true : null;
    });
    for (let i = 1; i <= 20; i += 1) {
      expect((await client.put("k", String(i), { replica: bridge ?? "" })).status).toBe(200);
    }
    expect(await client.status()).toMatchObject({ leader, term });
    await cluster.heal();
    await untilSame(client, members);
    expect(await client.status()).toMatchObject({ leader, term });
  });
});
