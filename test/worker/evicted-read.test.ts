/** Replicas lose their memory while a long answer is read: it goes on with another page, of the same revision. */
import { expect, test } from "vitest";
import { untilLed } from "./support/group.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

const KEYS = 16;
/** Three of them are more than a page. */
const VALUE = "v".repeat(1_300_000);

async function rest(reader: ReadableStreamDefaultReader<Uint8Array>, parts: Uint8Array[]): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
  }
}

test.each(["aborted", "evicted"] as const)(
  "a range of many pages is whole though all objects are %s between two of them",
  { timeout: 150_000 },
  async (how) => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (let i = 0; i < KEYS; i += 1) {
      const written = await client.put(`k${String(i).padStart(2, "0")}`, VALUE);
      expect(written.status).toBe(200);
    }
    const response = await fetch(`${client.url}/v3/kv/range`, {
      method: "POST",
      body: JSON.stringify({ key: "aw==", range_end: "bA==" }),
    });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    if (reader === undefined) throw new Error("there is no body");
    const parts: Uint8Array[] = [];
    const first = await reader.read();
    if (first.value !== undefined) parts.push(first.value);
    // What comes after the first page is another revision.
    await client.put("k00", "changed");
    if (how === "aborted") await cluster.abort(...members);
    else await Promise.all(members.map((member) => cluster.evict(member)));
    await rest(reader, parts);
    const answer = JSON.parse(Buffer.concat(parts).toString()) as {
      readonly count: string;
      readonly kvs: readonly { readonly mod_revision: string; readonly value: string }[];
    };
    expect(answer.count).toBe(String(KEYS));
    expect(answer.kvs.map(({ mod_revision }) => Number(mod_revision))).toEqual(
      Array.from({ length: KEYS }, (_, i) => 2 + i),
    );
    expect(answer.kvs.every(({ value }) => value === btoa(VALUE))).toBe(true);
  },
);
