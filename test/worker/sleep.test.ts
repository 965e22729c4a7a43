/** Groups that sleep on the real Worker: nothing is set, nothing runs, and whoever asks is served. */
import { expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { leaderOf, untilLed } from "./support/group.ts";
import type { GroupStatus } from "./support/kv-client.ts";
import { putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";

const SLEEPY = { replicas: 3, vars: { QUIESCE_AFTER_MS: "300" } };
const PATIENT = { timeout: 60_000 };
const HEARTBEATS = 20;
const HEARTBEAT_MS = 50;

/** Waits until all members sleep. Asking for the status wakes nobody. */
async function untilAsleep({ client }: WorkerCluster): Promise<GroupStatus> {
  let last: GroupStatus | null = null;
  return eventually(
    "all members sleep",
    async () => {
      last = await client.status();
      return last.members.every(({ asleep }) => asleep === true) ? last : null;
    },
    () => last,
  );
}

async function sleepingCluster(): Promise<WorkerCluster> {
  const cluster = await WorkerCluster.start(SLEEPY);
  await untilLed(cluster.client, cluster.members);
  await putUntilAcked(cluster.client, "before", "sleep", "before");
  await untilAsleep(cluster);
  return cluster;
}

test("an idle group makes no call, and no object has an alarm", PATIENT, async () => {
  await using cluster = await sleepingCluster();
  const before = await cluster.rest();
  expect(before.alarms).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, HEARTBEATS * HEARTBEAT_MS));
  expect(await cluster.rest()).toEqual(before);
});

test("a write through any member wakes it, without an election", PATIENT, async () => {
  await using cluster = await sleepingCluster();
  for (const replica of cluster.members) {
    const { term } = await untilAsleep(cluster);
    const written = await cluster.client.put(`by ${replica}`, "1", { replica });
    expect(written.status, written.text).toBe(200);
    const read = await cluster.client.request("GET", "/kv/before", null, { replica });
    expect(read.text).toBe("sleep");
    expect((await cluster.client.status()).term).toBe(term);
  }
});

test("with all memory lost the leader leads on in its term", PATIENT, async () => {
  await using cluster = await sleepingCluster();
  const { term } = await untilAsleep(cluster);
  await cluster.abort(...cluster.members);
  expect((await cluster.rest()).alarms).toBe(0);
  const written = await cluster.client.put("after", "1");
  expect(written.status, written.text).toBe(200);
  expect((await cluster.client.status()).term).toBe(term);
  await untilAsleep(cluster);
  expect(await cluster.leaderConflicts()).toEqual([]);
});

test("with the leader lost the others are asked and replace it", PATIENT, async () => {
  await using cluster = await sleepingCluster();
  const leader = await leaderOf(cluster.client, cluster.members);
  await cluster.suffer({ kind: "down", member: leader });
  await putUntilAcked(cluster.client, "after", "1", "after");
  const { term, leader: next } = await cluster.client.status();
  expect(next).not.toBe(leader);
  await cluster.heal();
  await putUntilAcked(cluster.client, "healed", "1", "healed");
  await untilAsleep(cluster);
  expect((await cluster.client.status()).term).toBeGreaterThanOrEqual(term ?? 0);
  expect(await cluster.leaderConflicts()).toEqual([]);
});
