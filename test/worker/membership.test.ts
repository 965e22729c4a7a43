/** Members that come and go, on the real Worker: etcd's Cluster service. */
import { describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { untilLed, untilSame } from "./support/group.ts";
import { Membership } from "./support/membership.ts";
import { putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";
import { WriteLoad } from "./support/write-load.ts";

/** As WorkerCluster sets it. */
const ELECTION_MS = 300;

describe("members", () => {
  test("the first ones are listed with names and URLs", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    await untilLed(cluster.client, cluster.members);
    const listed = await new Membership(cluster.client).list();
    expect(listed.map(({ name }) => name).sort()).toEqual(["r1", "r2", "r3"]);
    for (const member of listed) {
      expect(member.peerURLs).toEqual([`edged://${member.name}?region=enam`]);
      expect(member.clientURLs).toEqual([cluster.client.url]);
    }
  });

  test("a voter is added, has everything, and counts", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    await putUntilAcked(client, "before", "1", "before");
    const id = await members.add("edged://r4?region=weur");
    const { voters, members: all } = await untilLed(client, ["r1", "r2", "r3", "r4"]);
    expect([...voters].sort()).toEqual(["r1", "r2", "r3", "r4"]);
    expect(all.find(({ name }) => name === "r4")).toMatchObject({ region: "weur", role: "follower" });
    await eventually("it has what was written before", async () =>
      (await client.getLocal("before", "r4")).text === "1" ? true : null,
    );
    await eventually("it is listed with its name", async () =>
      (await members.list()).some((member) => member.ID === id && member.name === "r4") ? true : null,
    );
    // Three of four are needed now: with two down nothing is written, with one down everything is.
    await cluster.suffer({ kind: "down", member: "r1" });
    await putUntilAcked(client, "during", "2", "during");
    await eventually("r4 hears that it is committed", async () =>
      (await client.getLocal("during", "r4")).text === "2" ? true : null,
    );
  });

  test("a learner does not count, is promoted when it keeps up, and only one may learn", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    const id = await members.add("http://10.0.0.9:2380", true);
    expect((await members.tryAdd("edged://other", true)).json).toMatchObject({
      code: 9,
      message: "etcdserver: too many learner members in cluster",
    });
    const status = await client.status();
    expect(status.voters.length).toBe(3);
    expect(status.learners).toEqual(["m1"]);
    await members.promoteWhenReady(id);
    expect((await client.status()).voters).toContain("m1");
    expect(await members.tryPromote(id)).toMatchObject({
      status: 412,
      json: { message: "etcdserver: can only promote a learner member" },
    });
  });

  test("a change that would lose the quorum is refused", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    const { leader } = await untilLed(client, cluster.members);
    const [down, up] = cluster.members.filter((name) => name !== leader);
    if (down === undefined || up === undefined) throw new Error("three members");
    await cluster.suffer({ kind: "down", member: down });
    await putUntilAcked(client, "a", "1", "a");
    const listed = await members.list();
    const idOf = (name: string): string => listed.find((member) => member.name === name)?.ID ?? "";
    await eventually("the leader has noticed", async () => {
      const { members: all } = await client.status();
      const silent = all.find(({ name }) => name === down)?.heard_ms_ago ?? 0;
      return silent > ELECTION_MS ? true : null;
    });
    expect(await members.tryRemove(idOf(up), 503)).toMatchObject({
      json: { code: 14, message: "etcdserver: unhealthy cluster" },
    });
    await members.remove(idOf(down));
    expect([...(await client.status()).voters].sort()).toEqual([leader, up].sort());
  });

  test("the last voter stays", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 1 });
    const members = new Membership(cluster.client);
    const [only] = await members.list();
    expect(await members.tryRemove(only?.ID ?? "", 412)).toMatchObject({
      json: { message: "etcdserver: re-configuration failed due to not enough started members" },
    });
  });

  test("a leader that is removed hands over; it says that it was removed, and who goes on", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    const { leader, term } = await untilLed(client, cluster.members);
    const former = (await members.list()).find(({ name }) => name === leader);
    await members.remove(former?.ID ?? "");
    const rest = cluster.members.filter((name) => name !== leader);
    const { term: next } = await untilLed(client, rest);
    // One election, ordered by the leader itself: nobody had to miss it first.
    expect(next).toBe((term ?? 0) + 1);
    await cluster.forgetGateways();
    const answer = await eventually("it says so", async () => {
      const told = await client.put("a", "1", { replica: leader ?? "" });
      return told.status === 503 && told.text.includes("removed") ? told : null;
    });
    expect(answer.json?.["outcome"]).toBe("not_applied");
    expect((await client.put("a", "1")).status).toBe(200);
    expect((await client.put("a", "1", { replica: leader ?? "" })).status).toBe(400);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });

  test("a member that was away while it was removed learns of it from the others, and is quiet", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    const { leader } = await untilLed(client, cluster.members);
    const away = cluster.members.find((name) => name !== leader) ?? "";
    const former = (await members.list()).find(({ name }) => name === away);
    await cluster.suffer({ kind: "down", member: away });
    await members.remove(former?.ID ?? "");
    await cluster.heal();
    await cluster.forgetGateways();
    await eventually("it stops", async () => {
      const told = await client.put("a", "1", { replica: away });
      return told.status === 503 && told.text.includes("removed") ? true : null;
    });
  });

  test("a new member pulls what the log has no more, though it loses its memory meanwhile", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "10" } });
    const { client } = cluster;
    const members = new Membership(client);
    for (let i = 0; i < 40; i += 1) await putUntilAcked(client, `k${i}`, "x".repeat(50_000), `k${i}`);
    const id = await members.add("edged://r4?region=oc", true);
    const hex = BigInt(id).toString(16).padStart(16, "0");
    await cluster.abort(`r4/${hex}`);
    await members.promoteWhenReady(id);
    const { keys } = await untilSame(client, ["r1", "r2", "r3", "r4"]);
    expect(keys.length).toBe(40);
  });

  test("a group that fell asleep changes its members all the same", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { QUIESCE_AFTER_MS: "100" } });
    const { client } = cluster;
    const members = new Membership(client);
    await putUntilAcked(client, "a", "1", "a");
    const sleeps = (): Promise<true> =>
      eventually("all sleep", async () => {
        const { members: all } = await client.status();
        return all.every(({ asleep }) => asleep === true) ? true : null;
      });
    await sleeps();
    const id = await members.add("edged://r4?region=oc");
    await sleeps();
    expect((await members.tryRemove(id, 200)).status).toBe(200);
    await sleeps();
    expect((await client.status()).voters.length).toBe(3);
  });

  test("all three are replaced one by one under writes; who knows only the first three finds the others", {
    timeout: 120_000,
  }, async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client } = cluster;
    const members = new Membership(client);
    await untilLed(client, cluster.members);
    const load = new WriteLoad([client], "load");
    for (const old of ["r1", "r2", "r3"]) {
      await load.untilAcked(20);
      // A later member may have a former one's name: it is another object.
      await members.add(`edged://${old === "r3" ? "r1" : old.replace("r", "n")}?region=weur`);
      const listed = await members.list();
      const former = listed.find(({ name, peerURLs }) => name === old && peerURLs[0]?.endsWith("enam"));
      await members.remove(former?.ID ?? "");
    }
    await load.untilAcked(20);
    await load.stop();
    const now = ["n1", "n2", "r1"];
    await untilLed(client, now);
    expect((await members.list()).map(({ name }) => name).sort()).toEqual(now);
    const content = await untilSame(client, now);
    expect(load.problems(content, 1)).toEqual([]);
    // A gateway that has just started knows the first three only.
    await cluster.forgetGateways();
    expect((await client.get("load-0-0")).status).toBe(200);
    await putUntilAcked(client, "after", "1", "after");
    await eventually("r1 hears that it is committed", async () =>
      (await client.getLocal("after", "r1")).status === 200 ? true : null,
    );
    // The former members have stopped, and say who goes on.
    const { members: shown } = await client.status();
    expect(shown.map(({ name }) => name).sort()).toEqual(now);
    expect(await cluster.leaderConflicts()).toEqual([]);
  });
});
