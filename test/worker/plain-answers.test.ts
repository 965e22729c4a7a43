/** Values as the real runtime answers them: their length goes with them, whoever set it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { untilLed, untilSame } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

const VALUES = ["", "v", "v".repeat(100_000)];

let cluster: WorkerCluster;

beforeAll(async () => {
  cluster = await WorkerCluster.start({ replicas: 3 });
  const { client, members } = cluster;
  await untilLed(client, members);
  for (const [i, value] of VALUES.entries()) expect((await client.put(`k${i}`, value)).status).toBe(200);
  await untilSame(client, members);
}, 60_000);

afterAll(async () => cluster[Symbol.asyncDispose]());

test.each([
  ["GET", ""],
  ["GET", "?consistency=serializable"],
  ["GET", "?max_staleness=5"],
  ["HEAD", ""],
  ["HEAD", "?consistency=serializable"],
] as const)("%s%s tells the length of a value, its version and how it may be kept", async (method, query) => {
  for (const [i, value] of VALUES.entries()) {
    const response = await fetch(`${cluster.client.url}/kv/k${i}${query}`, { method });
    expect(await response.text()).toBe(method === "HEAD" ? "" : value);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-cache",
      "content-length": String(value.length),
      "content-type": "application/octet-stream",
      etag: `"${2 + i}"`,
      "x-content-type-options": "nosniff",
      "x-edged-create-revision": String(2 + i),
      "x-edged-leader": expect.any(String),
      "x-edged-replica": expect.any(String),
      "x-edged-revision": String(1 + VALUES.length),
      "x-edged-term": expect.any(String),
      "x-edged-version": "1",
    });
  }
});
