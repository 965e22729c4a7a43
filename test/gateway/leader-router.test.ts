import { beforeEach, describe, expect, test } from "vitest";
import { header, status, unavailable } from "./fakes.ts";
import { applied, EMPTY, RouterBench } from "./router-bench.ts";

let bench: RouterBench;

beforeEach(() => {
  bench = new RouterBench();
});

/** Makes the router know the leader r1, term 2, sequence 7. */
async function warm(): Promise<void> {
  await bench.read();
  bench.log.length = 0;
  bench.timeoutsMs.length = 0;
}

describe("writes go to the leader", () => {
  test("a cold isolate asks any replica first, then the leader", async () => {
    bench.entropy.next = 0.99;
    expect(await bench.write()).toEqual(applied("r1"));
    expect(bench.log).toEqual(["r3 status", "r1 01@7"]);
  });

  test("a warm one goes straight there", async () => {
    await warm();
    bench.entropy.next = 0.99;
    await bench.write();
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r1 02@7"]);
  });

  test("seen follows the highest sequence in any answer", async () => {
    await warm();
    bench.propose = (member) => applied(member, { sequence: 40 });
    await bench.write();
    bench.propose = (member) => applied(member, { sequence: 20 });
    await bench.write();
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r1 02@40", "r1 03@40"]);
  });

  test("a cluster without writes has seen 1, since 0 stands for unknown", async () => {
    bench.status = (member) => status(member, { header: header(member, { sequence: 0 }) });
    await bench.write();
    expect(bench.log).toEqual(["r1 status", "r1 01@1"]);
  });

  test("a new leader with a higher term replaces the old one, a stale answer does not", async () => {
    await warm();
    bench.propose = (member) => applied(member, { leader: "r2", term: 3 });
    await bench.write();
    bench.propose = (member) => applied(member, { leader: "r1", term: 2 });
    await bench.write();
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r2 02@7", "r2 03@7"]);
  });

  test("a cluster made anew starts again from small terms and counts", async () => {
    await warm();
    bench.propose = (member) =>
      applied(member, { clusterId: "00000000000000ff", term: 1, leader: "r3", sequence: 1 });
    await bench.write();
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r3 02@1"]);
  });

  test("clusters are kept apart", async () => {
    await warm();
    await bench.router.propose({ cluster: "other", pin: null }, bench.request);
    expect(bench.log[0]).toBe("r1 status");
  });

  test("a refusal is an answer, not a reason to try again", async () => {
    await warm();
    const rejected = { kind: "rejected", error: "noSpace", header: header("r1") } as const;
    bench.propose = () => rejected;
    expect(await bench.write()).toEqual(rejected);
    expect(bench.log).toEqual(["r1 01@7"]);
  });
});

describe("retries", () => {
  test("a hint to the leader is followed at once, with the same bytes", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r3"
        ? applied("r3", { leader: "r3", term: 3 })
        : unavailable("not-leader", { header: header(member, { leader: "r3", term: 3 }) });
    expect(await bench.write()).toMatchObject({ kind: "applied" });
    expect(bench.log).toEqual(["r1 01@7", "r3 01@7"]);
    expect(bench.clock.sleeps).toEqual([]);
  });

  test("after an unknown outcome another replica gets the same id and the same seen", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r1"
        ? unavailable("timeout", { unknownOutcome: true })
        : applied(member, { leader: "r2", term: 3, sequence: 500 });
    expect(await bench.write()).toMatchObject({ kind: "applied" });
    expect(bench.log).toEqual(["r1 01@7", "r2 01@7"]);
  });

  test("seen stays as it was even when answers in between show a higher sequence", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r3"
        ? applied("r3")
        : unavailable("no-leader", {
            unknownOutcome: true,
            header: header(member, { sequence: 900, leader: null }),
          });
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r2 01@7", "r3 01@7"]);
  });

  test("a replica without an answer is asked last for a while, and is not taken for the leader", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r1"
        ? unavailable("no-leader", { unknownOutcome: true })
        : applied(member, { leader: null });
    await bench.write();
    await bench.write();
    expect(bench.log).toEqual(["r1 01@7", "r2 01@7", "r2 02@7"]);
    bench.clock.now += 6_000;
    await bench.write();
    expect(bench.log.slice(3)).toEqual(["r1 03@7", "r2 03@7"]);
  });

  test("a replica that answers again is trusted again", async () => {
    await warm();
    bench.range = (member) =>
      member === "r1" ? unavailable("no-leader") : { kind: "range", header: header(member), response: EMPTY };
    await bench.read();
    bench.log.length = 0;
    await bench.read();
    expect(bench.log).toEqual(["r2 range"]);
    bench.range = (member) => ({ kind: "range", header: header(member), response: EMPTY });
    await bench.read("r1");
    await bench.read();
    expect(bench.log).toEqual(["r2 range", "r1 range", "r1 range"]);
  });

  test("what a replica said is told rather than the silence of another", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r1"
        ? unavailable("timeout", { header: header("r1"), message: "no quorum" })
        : unavailable("no-leader");
    expect(await bench.write()).toMatchObject({ message: "no quorum", header: { member: "r1" } });
  });

  test("between rounds there are pauses that grow up to a bound, within the budget", async () => {
    await warm();
    const startMs = bench.clock.now;
    bench.propose = (member) => unavailable("no-leader", { header: header(member, { leader: null }) });
    bench.entropy.next = 0.5;
    expect(await bench.write()).toMatchObject({
      kind: "failed",
      outcome: "not-applied",
      reason: "no-leader",
    });
    expect(bench.clock.sleeps.slice(0, 7)).toEqual([18.75, 37.5, 75, 150, 300, 600, 750]);
    expect(bench.clock.now - startMs).toBe(10_000);
    expect(
      bench.log
        .slice(0, 3)
        .map((line) => line.slice(0, 2))
        .sort(),
    ).toEqual(["r1", "r2", "r3"]);
    expect(bench.log.length).toBe(3 * bench.clock.sleeps.length);
  });

  test("attempts that hang end with the budget, and each has its own bound", async () => {
    await warm();
    bench.propose = (_member, request) => {
      bench.clock.now += request.timeoutMs;
      return unavailable("timeout", { unknownOutcome: true });
    };
    const startMs = bench.clock.now;
    expect(await bench.write()).toMatchObject({ kind: "failed", outcome: "unknown" });
    expect(bench.timeoutsMs.slice(0, 3)).toEqual([3_000, 3_000, 3_000]);
    expect(bench.timeoutsMs).toHaveLength(4);
    expect(bench.clock.now - startMs).toBeLessThanOrEqual(10_000);
  });

  test("one unknown outcome makes the whole write unknown, whatever is answered later", async () => {
    await warm();
    let calls = 0;
    bench.propose = (member) => {
      calls += 1;
      return unavailable("no-leader", {
        unknownOutcome: calls === 1,
        header: header(member, { leader: null }),
      });
    };
    expect(await bench.write()).toMatchObject({ kind: "failed", outcome: "unknown", reason: "no-leader" });
  });

  test("a full cluster is not flooded", async () => {
    await warm();
    bench.propose = (member) => unavailable("overloaded", { header: header(member) });
    expect(await bench.write()).toMatchObject({
      kind: "failed",
      outcome: "not-applied",
      reason: "overloaded",
    });
    expect(bench.log).toHaveLength(3);
    expect(bench.clock.sleeps).toHaveLength(2);
  });

  test("without anybody to learn from, nothing is sent", async () => {
    bench.status = () => unavailable("no-leader");
    expect(await bench.write()).toMatchObject({ kind: "failed", outcome: "not-applied" });
    expect(bench.log.every((line) => line.endsWith("status"))).toBe(true);
  });
});

describe("superseded", () => {
  test("a single attempt is minted anew with the fresh sequence", async () => {
    await warm();
    bench.propose = (member, request) =>
      new TextDecoder().decode(request.command).endsWith("@7")
        ? unavailable("superseded", { unknownOutcome: true, header: header(member, { sequence: 99_000 }) })
        : applied(member);
    expect(await bench.write()).toMatchObject({ kind: "applied" });
    expect(bench.log).toEqual(["r1 01@7", "r1 02@99000"]);
    expect(bench.clock.sleeps).toEqual([]);
  });

  test("after any attempt it is unknown: one that was refused may have been run twice", async () => {
    await warm();
    let calls = 0;
    bench.propose = (member) => {
      calls += 1;
      const at = header(member, { sequence: 99_000, leader: "r2", term: 3 });
      if (calls === 1) return unavailable("not-leader", { header: at });
      return unavailable("superseded", { unknownOutcome: true, header: at });
    };
    expect(await bench.write()).toMatchObject({ kind: "failed", outcome: "unknown", reason: "superseded" });
    expect(bench.log).toEqual(["r1 01@7", "r2 01@7"]);
  });

  test("after an attempt of unknown outcome it stays unknown, and nothing more is sent", async () => {
    await warm();
    bench.propose = (member) =>
      member === "r1"
        ? unavailable("timeout", { unknownOutcome: true })
        : unavailable("superseded", { unknownOutcome: true, header: header(member, { sequence: 99_000 }) });
    expect(await bench.write()).toMatchObject({ kind: "failed", outcome: "unknown", reason: "superseded" });
    expect(bench.log).toEqual(["r1 01@7", "r2 01@7"]);
  });

  test("minting ends", async () => {
    await warm();
    bench.propose = (member) => unavailable("superseded", { unknownOutcome: true, header: header(member) });
    expect(await bench.write()).toMatchObject({
      kind: "failed",
      outcome: "not-applied",
      reason: "superseded",
    });
    expect(bench.log).toHaveLength(4);
  });
});

describe("reads", () => {
  test("are spread over the replicas", async () => {
    for (const fraction of [0, 0.4, 0.9]) {
      bench.entropy.next = fraction;
      await bench.read();
    }
    expect(bench.log).toEqual(["r1 range", "r2 range", "r3 range"]);
  });

  test("try another replica", async () => {
    bench.range = (member) =>
      member === "r3" ? { kind: "range", header: header("r3"), response: EMPTY } : unavailable("no-leader");
    expect(await bench.read()).toMatchObject({ kind: "range", header: { member: "r3" } });
    expect(bench.log).toEqual(["r1 range", "r2 range", "r3 range"]);
    await bench.read();
    expect(bench.log.at(-1)).toBe("r3 range");
    expect(bench.log).toHaveLength(4);
  });

  test("end with the budget", async () => {
    const startMs = bench.clock.now;
    bench.range = () => unavailable("no-leader");
    expect(await bench.read()).toMatchObject({ kind: "failed", outcome: "not-applied", reason: "no-leader" });
    expect(bench.clock.now - startMs).toBe(10_000);
  });

  test("stop when overloaded", async () => {
    bench.range = () => unavailable("overloaded");
    expect(await bench.read()).toMatchObject({ kind: "failed", reason: "overloaded" });
    expect(bench.log).toHaveLength(3);
  });

  test("of whole transactions go the same way", async () => {
    bench.readTxn = (member) =>
      member === "r2" ? { kind: "txn", header: header("r2"), response: EMPTY } : unavailable("no-leader");
    const call = { request: EMPTY, consistency: "serializable", minRevision: 0 } as const;
    const choice = { cluster: "default", pin: null };
    expect(await bench.router.readTxn(choice, call)).toMatchObject({ kind: "txn", header: { member: "r2" } });
    expect(bench.log).toEqual(["r1 readTxn", "r2 readTxn"]);
  });

  test("of old state wait for the first leader that there ever was", async () => {
    bench.range = (member) => ({
      kind: "range",
      header: { ...header(member), term: member === "r1" ? 0 : 1 },
      response: EMPTY,
    });
    const call = { request: EMPTY, consistency: "serializable", minRevision: 0 } as const;
    const choice = { cluster: "default", pin: null };
    await bench.router.range(choice, call);
    expect(bench.log).toEqual(["r1 range", "r1 range"]);
  });

  test.each(["serializable", "bounded"] as const)(
    "%s ones are no older than what was told already, where a moment can help that",
    async (kind) => {
      bench.propose = (member) => applied(member, { revision: 9 });
      await bench.write();
      bench.log.length = 0;
      bench.range = (member, minRevision) => ({
        kind: "range",
        header: header(member, { revision: Math.max(8, minRevision) }),
        response: EMPTY,
      });
      const before = bench.timeoutsMs.length;
      expect(await bench.read(null, kind)).toMatchObject({ kind: "range", header: { revision: 9 } });
      expect(bench.log).toHaveLength(2);
      expect(bench.timeoutsMs.slice(before)).toEqual([3_000, 100]);
    },
  );

  test("what is asked of one member's state, a hash for instance, is no older either", async () => {
    bench.propose = (member) => applied(member, { revision: 9 });
    await bench.write();
    bench.log.length = 0;
    const call = { request: EMPTY, consistency: "serializable", minRevision: 0 } as const;
    await bench.router.query({ cluster: "default", pin: null }, call);
    await bench.router.query({ cluster: "default", pin: "r2" }, call);
    expect(bench.log).toHaveLength(3);
  });

  test("serializable ones are as old as they are where nobody can help, and where one member is named", async () => {
    bench.propose = (member) => applied(member, { revision: 9 });
    await bench.write();
    bench.range = (member, minRevision) =>
      minRevision > 0
        ? unavailable("timeout")
        : { kind: "range", header: header(member, { revision: 8 }), response: EMPTY };
    expect(await bench.read(null, "serializable")).toMatchObject({ kind: "range", header: { revision: 8 } });
    bench.log.length = 0;
    expect(await bench.read("r2", "serializable")).toMatchObject({ kind: "range", header: { revision: 8 } });
    expect(bench.log).toEqual(["r2 range"]);
  });

  test("have a budget of their own where wanted", async () => {
    bench.range = () => unavailable("no-leader");
    const startMs = bench.clock.now;
    const call = { request: EMPTY, consistency: "linearizable", minRevision: 0 } as const;
    await bench.router.range({ cluster: "default", pin: null, budgetMs: 500 }, call);
    expect(bench.clock.now - startMs).toBe(500);
  });
});

describe("a pinned request", () => {
  test("asks that replica only, leader or not", async () => {
    await bench.read("r3");
    await bench.write("r2");
    expect(bench.log).toEqual(["r3 range", "r2 01@7"]);
  });

  test("ends at once when that replica has stopped: no time would change its answer", async () => {
    bench.range = () => unavailable("stopped");
    bench.propose = () => unavailable("stopped");
    expect(await bench.read("r2")).toMatchObject({ kind: "failed", reason: "stopped" });
    expect(await bench.write("r2")).toMatchObject({ kind: "failed", outcome: "not-applied" });
    expect(bench.log).toEqual(["r2 range", "r2 status", "r2 01@7"]);
  });

  test("and fails when it does", async () => {
    bench.range = () => unavailable("no-leader");
    bench.status = () => unavailable("no-leader");
    expect(await bench.read("r2")).toMatchObject({ kind: "failed" });
    expect(await bench.write("r2")).toMatchObject({ kind: "failed", outcome: "not-applied" });
    expect(new Set(bench.log)).toEqual(new Set(["r2 range", "r2 status"]));
  });
});

test("statuses are asked of all, in the order of the configuration", async () => {
  bench.status = (member) => (member === "r2" ? unavailable("timeout") : status(member));
  const { members, replies } = await bench.router.statuses("default");
  expect(members.map(({ name }) => name)).toEqual(["r1", "r2", "r3"]);
  expect(replies.map((reply) => reply.kind)).toEqual(["status", "unavailable", "status"]);
  bench.log.length = 0;
  await bench.write();
  expect(bench.log).toEqual(["r1 01@7"]);
});

describe("members that change", () => {
  const place = (name: string, serves = true) => ({
    id: name.padEnd(16, "0"),
    name,
    isFounder: name.startsWith("r"),
    hint: "oc",
    binding: "REPLICA",
    serves,
  });
  const removed = (member: string, membership: number, ...names: readonly string[]) =>
    unavailable("stopped", {
      header: header(member, { membership, successors: names.map((name) => place(name)) }),
    });

  test("former members lead to the present ones, however often those were replaced", async () => {
    const replies = new Map([
      ["r1", () => removed("r1", 1, "r2", "r3", "n4")],
      ["r2", () => removed("r2", 2, "r3", "n4", "n5")],
      ["r3", () => removed("r3", 3, "n4", "n5", "n6")],
      ["n4", () => removed("n4", 4, "n5", "n6", "n7")],
    ]);
    for (const fraction of [0, 0.4, 0.9]) {
      const bench = new RouterBench();
      bench.entropy.next = fraction;
      const reply = (member: string) => replies.get(member)?.();
      bench.status = (member) =>
        reply(member) ?? status(member, { header: header(member, { membership: 4 }), members: [] });
      bench.range = (member) =>
        reply(member) ?? { kind: "range", header: header(member, { membership: 4 }), response: EMPTY };
      bench.propose = (member) => reply(member) ?? applied(member, { membership: 4 });
      expect(await bench.read()).toMatchObject({ kind: "range" });
      expect(await bench.write()).toMatchObject({ kind: "applied" });
      expect(bench.router.members("default").map(({ name }) => name)).toEqual(["n5", "n6", "n7"]);
    }
  });

  test("news of other members in any answer are looked up before the next attempt; learners are not asked", async () => {
    const bench = new RouterBench();
    const members = [place("r1"), place("n4"), place("n5", false)];
    const at = (member: string) => header(member, { membership: 7 });
    bench.status = (member) => status(member, { header: at(member), members });
    bench.range = (member) => ({ kind: "range", header: at(member), response: EMPTY });
    await bench.read();
    bench.log.length = 0;
    await bench.read();
    expect(bench.log.slice(0, 3).sort()).toEqual(["r1 status", "r2 status", "r3 status"]);
    expect(bench.router.members("default")).toEqual(members);
    bench.log.length = 0;
    for (const fraction of [0, 0.4, 0.9]) {
      bench.entropy.next = fraction;
      await bench.read();
    }
    // Now and then anybody; else who was never asked; then whoever is near.
    expect(bench.log).toEqual(["r1 range", "n4 range", "n4 range"]);
  });
});

describe("distance", () => {
  test("reads go to whoever answers that kind of reads soonest, once everybody was asked", async () => {
    const tookMs = {
      linearizable: { r1: 60, r2: 160, r3: 170 },
      serializable: { r1: 60, r2: 10, r3: 90 },
      bounded: { r1: 60, r2: 30, r3: 90 },
    };
    for (const consistency of ["linearizable", "serializable", "bounded"] as const) {
      const answer = bench.range;
      bench.range = (member, minRevision) => {
        bench.clock.now += new Map(Object.entries(tookMs[consistency])).get(member) ?? 0;
        return answer(member, minRevision);
      };
      bench.entropy.next = 0.5;
      bench.log.length = 0;
      for (let i = 0; i < 3; i += 1) await bench.read(null, consistency);
      expect([...bench.log].sort()).toEqual(["r1 range", "r2 range", "r3 range"]);
      bench.log.length = 0;
      for (let i = 0; i < 3; i += 1) await bench.read(null, consistency);
      const nearest = consistency === "linearizable" ? "r1 range" : "r2 range";
      expect(bench.log).toEqual([nearest, nearest, nearest]);
      bench.range = answer;
    }
  });

  test("now and then a read goes to anybody, so that a member which is nearer now is found", async () => {
    const nearR1 = bench.range;
    bench.range = (member, minRevision) => {
      bench.clock.now += member === "r1" ? 10 : 100;
      return nearR1(member, minRevision);
    };
    bench.entropy.next = 0.5;
    for (let i = 0; i < 4; i += 1) await bench.read();
    bench.log.length = 0;
    bench.entropy.next = 0.99 / 128;
    await bench.read();
    expect(bench.log).toEqual(["r3 range"]);
  });
});
