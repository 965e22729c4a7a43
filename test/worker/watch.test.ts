/** Watches on the real Worker: through any replica, and through the loss of replicas. */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { leaderOf, untilLed } from "./support/group.ts";
import {
  createPrefixRequest,
  createRequest,
  eventsUntil,
  LineStream,
  nextMessage,
  openWatch,
} from "./support/watch-client.ts";
import { putUntilAcked, WorkerCluster } from "./support/worker-cluster.ts";

const STORM = { timeout: 60_000 };

async function compact(url: string, revision: number): Promise<void> {
  const body = JSON.stringify({ revision });
  const response = await fetch(`${url}/v3/kv/compaction`, { method: "POST", body });
  expect(response.status, await response.text()).toBe(200);
}

describe("a watch", () => {
  test("through each replica tells puts and deletions as they happen, and the past on request", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (const member of members) {
      await using stream = await openWatch(client.url, [createRequest("k")], member);
      expect((await nextMessage(stream)).created).toBe(true);
      const put = await client.put("k", member);
      expect((await nextMessage(stream)).events).toEqual([
        { key: "k", value: member, modRevision: put.modRevision },
      ]);
      await client.request("DELETE", "/kv/k");
      expect((await nextMessage(stream)).events[0]?.value).toBeNull();
    }
    await using past = await openWatch(client.url, [createRequest("k", { start_revision: 2 })]);
    expect((await nextMessage(past)).created).toBe(true);
    const told = await eventsUntil(past, 7);
    expect(told.map(({ modRevision }) => modRevision)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test("below the compacted revision is told so, after it was created", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    for (const value of ["1", "2", "3"]) await client.put("k", value);
    await compact(client.url, 4);
    await using stream = await openWatch(client.url, [createRequest("k", { start_revision: 2 })]);
    expect(await nextMessage(stream)).toMatchObject({ created: true, canceled: false });
    expect(await nextMessage(stream)).toMatchObject({ canceled: true, compactRevision: 4, revision: 0 });
  });

  test("has a chunk for each message, and leaves the connection to the client", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 1 });
    const { client } = cluster;
    await untilLed(client, cluster.members);
    const { hostname, port } = new URL(client.url);
    const body = JSON.stringify(createRequest("k"));
    const socket = connect(Number(port), hostname);
    const received: string[] = [];
    socket.setEncoding("utf8").on("data", (text: string) => received.push(text));
    socket.write(`POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const until = async (count: number): Promise<readonly string[]> => {
      for (;;) {
        const [head = "", ...rest] = received.join("").split("\r\n\r\n");
        // A chunk: its length in hexadecimal digits, its bytes, each with a line break behind.
        const chunks = [...rest.join("\r\n\r\n").matchAll(/([0-9a-f]+)\r\n([^\r]*)\r\n/g)];
        if (chunks.length >= count) {
          expect(head).toMatch(/transfer-encoding: chunked/i);
          return chunks.map(([, length, text]) => {
            expect(Number.parseInt(length ?? "", 16)).toBe(text?.length);
            return text ?? "";
          });
        }
        await new Promise((resolve) => socket.once("data", resolve));
      }
    };
    await until(1);
    for (let i = 0; i < 20; i += 1) await client.put("k", `${i}`);
    const chunks = await until(21);
    for (const chunk of chunks) {
      expect(chunk).toMatch(/^\{"result":.*\}\n$/);
      expect(chunk.match(/"result"/g)).toHaveLength(1);
    }
    socket.destroy();
  });
});

describe("while replicas are lost one after the other", STORM, () => {
  test("every change is told once and in order, from the past and from now on", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: { SNAPSHOT_EVERY: "50" } });
    const { client, members } = cluster;
    await untilLed(client, members);
    const streams = await Promise.all([
      openWatch(client.url, [createPrefixRequest("k", { start_revision: 2 })]),
      ...members.map(() => openWatch(client.url, [createPrefixRequest("k")])),
    ]);
    for (const stream of streams) expect((await nextMessage(stream)).created).toBe(true);
    const rounds = 3 * members.length;
    const perRound = 8;
    const last = 1 + rounds * perRound;
    const told = streams.map((stream) => eventsUntil(stream, last));
    for (let round = 0; round < rounds; round += 1) {
      for (let i = 0; i < perRound; i += 1) {
        const at = round * perRound + i;
        await putUntilAcked(client, `k${at % 5}`, `${at}`, `watch-${at}`);
      }
      const victim = round % 2 === 0 ? members[round % members.length] : await leaderOf(client, members);
      await cluster.abort(victim ?? "");
    }
    const expected = Array.from({ length: rounds * perRound }, (_, at) => ({
      key: `k${at % 5}`,
      value: `${at}`,
      modRevision: at + 2,
    }));
    for (const events of await Promise.all(told)) expect(events).toEqual(expected);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });

  test("a replica that is cut off from its leader does not keep its watchers", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    const streams = await Promise.all(
      Array.from({ length: 6 }, () => openWatch(client.url, [createRequest("k")])),
    );
    for (const stream of streams) expect((await nextMessage(stream)).created).toBe(true);
    const [alone = "", ...others] = members.filter((member) => member !== "");
    await cluster.suffer({ kind: "partition", sides: [[alone], others] });
    const revision = await putUntilAcked(client, "k", "1", "cut-off");
    const told = await Promise.all(streams.map((stream) => eventsUntil(stream, revision)));
    for (const events of told) expect(events).toEqual([{ key: "k", value: "1", modRevision: revision }]);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });
});

describe("server-sent events", () => {
  async function nextEvent(stream: LineStream): Promise<Readonly<Record<string, string>>> {
    const fields: Record<string, string> = {};
    for (;;) {
      const line = await stream.line();
      if (line === null) throw new Error("the stream has ended");
      const [, field, value] = /^([a-z]+): (.*)$/.exec(line) ?? [];
      if (field !== undefined) fields[field] = value ?? "";
      if (line === "" && fields["data"] !== undefined) return fields;
    }
  }

  test("resume behind what was received", async () => {
    await using cluster = await WorkerCluster.start({ replicas: 3 });
    const { client, members } = cluster;
    await untilLed(client, members);
    const headers = { Accept: "text/event-stream" };
    const path = `${client.url}/kv/?prefix=k`;
    let id = "";
    {
      await using stream = await LineStream.open(path, { headers });
      await client.put("k1", "a");
      const event = await nextEvent(stream);
      expect(event).toMatchObject({ event: "put", id: "2" });
      expect(JSON.parse(event["data"] ?? "")).toMatchObject({ key: "k1", value: "a", mod_revision: 2 });
      id = event["id"] ?? "";
    }
    await client.put("k2", "b");
    await cluster.abort(...members);
    await using again = await LineStream.open(path, { headers: { ...headers, "Last-Event-ID": id } });
    expect(await nextEvent(again)).toMatchObject({ event: "put", id: "3" });
    await client.request("DELETE", "/kv/k1");
    expect(await nextEvent(again)).toMatchObject({ event: "delete", id: "4" });
  });
});
