/** Members that come and go where every replica is a process: later ones live behind bindings that are there. */
import { expect, test } from "vitest";
import { untilLed, untilSame } from "./support/group.ts";
import { LeaderBook } from "./support/leader-book.ts";
import { Membership } from "./support/membership.ts";
import { ProcessMembers } from "./support/process-members.ts";
import { putUntilAcked } from "./support/worker-cluster.ts";

const VARS = ["HEARTBEAT_MS=100", "ELECTION_MS=600"];

test("a member is replaced by one in another process, and outlives the loss of both", {
  timeout: 150_000,
}, async () => {
  const book = new LeaderBook();
  await using cluster = await ProcessMembers.start(3, VARS, book);
  const client = cluster.at("r2");
  await untilLed(client, cluster.members);
  await putUntilAcked(client, "before", "1", "before");
  const members = new Membership(client);
  await members.add("edged://n1?region=oc&binding=R3");
  const former = (await members.list()).find(({ name }) => name === "r1");
  await members.remove(former?.ID ?? "");
  const now = ["n1", "r2", "r3"];
  await untilLed(client, now);
  // Nobody needs the process of the former member.
  await cluster.processes.kill("r1");
  await putUntilAcked(client, "during", "2", "during");
  // The new one goes and comes with the process that holds it.
  await cluster.processes.kill("r3");
  await cluster.processes.restart(["r3"]);
  await untilLed(client, now);
  const { keys } = await untilSame(client, now);
  expect(keys.map(({ key }) => key)).toEqual(["before", "during"]);
  // The former member's process still leads its clients to the others.
  await cluster.processes.restart(["r1"]);
  await putUntilAcked(cluster.at("r1"), "after", "3", "after");
  expect((await cluster.at("r1").get("during")).text).toBe("2");
  expect(book.conflicts).toEqual([]);
});
