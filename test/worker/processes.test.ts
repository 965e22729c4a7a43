/** Real processes that are killed and paused: one Node process and one workerd for each replica. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed, untilSame } from "./support/group.ts";
import { LeaderBook } from "./support/leader-book.ts";
import { ProcessMembers } from "./support/process-members.ts";
import { WriteLoad } from "./support/write-load.ts";

const VARS = ["HEARTBEAT_MS=100", "ELECTION_MS=600", "SNAPSHOT_EVERY=200"];

/** Room for a machine that has much else to do; nothing here depends on being fast. */
const STORM = { timeout: 150_000 };

describe("a cluster of three processes", STORM, () => {
  const book = new LeaderBook();
  let cluster: ProcessMembers;

  beforeAll(async () => {
    cluster = await ProcessMembers.start(3, VARS, book);
    await untilLed(cluster.at("r1"), cluster.members);
  }, 120_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  function others(member: string): readonly string[] {
    return cluster.members.filter((other) => other !== member);
  }

  /**
   * Runs `storm` in the middle of a write load; every acknowledged write must be there once.
   * `writes`: how many the storm makes itself.
   */
  async function underLoad(
    name: string,
    writes: number,
    storm: (load: WriteLoad) => Promise<void>,
  ): Promise<void> {
    const { members } = cluster;
    const before = await untilSame(cluster.at("r1"), members);
    const load = new WriteLoad(cluster.clients, name);
    await storm(load);
    await load.stop();
    const after = await untilSame(cluster.at("r1"), members);
    expect(load.problems(after, before.revision + writes)).toEqual([]);
    expect(book.conflicts).toEqual([]);
  }

  test("SIGKILL of each process in turn, in the middle of a write load", async () => {
    await underLoad("kill", 0, async (load) => {
      for (const member of cluster.members) {
        await load.untilAcked(60);
        await cluster.processes.kill(member);
        // Two of three go on.
        await load.untilAcked(60);
        await cluster.processes.restart([member]);
        await untilLed(cluster.at(member), cluster.members);
      }
    });
  });

  test("SIGKILL of all processes at once, in the middle of a write load", async () => {
    await underLoad("all", 0, async (load) => {
      await load.untilAcked(100);
      await Promise.all(cluster.members.map((member) => cluster.processes.kill(member)));
      await cluster.processes.restart(cluster.members);
      await load.untilAcked(100);
    });
  });

  test("a leader paused by SIGSTOP serves no stale linearizable read after SIGCONT", async () => {
    const flags = 2;
    await underLoad("pause", flags, async (load) => {
      const { members } = cluster;
      const old = await leaderOf(cluster.at("r1"), members);
      const [next = ""] = others(old);
      expect((await cluster.at(next).put("flag", "old")).status).toBe(200);
      await load.untilAcked(40);
      await cluster.processes.pause(old);
      await untilLed(cluster.at(next), others(old));
      expect((await cluster.at(next).put("flag", "new")).status).toBe(200);
      await load.untilAcked(40);
      // These wait at the paused process, which believes that it leads when it wakes up.
      const read = () => cluster.at(old).get("flag", { replica: old });
      const waiting = Array.from({ length: 10 }, read);
      await cluster.processes.resume(old);
      const answers = await Promise.all(waiting);
      for (let i = 0; i < 10; i += 1) answers.push(await read());
      for (const answer of answers) {
        if (answer.status === 200) expect(answer.text).toBe("new");
        else expect(answer.status).toBe(503);
      }
      await eventually("the old leader answers reads as a follower", async () =>
        (await read()).text === "new" ? true : null,
      );
      await load.untilAcked(40);
    });
  });
});
