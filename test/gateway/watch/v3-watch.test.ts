/** etcd's Watch service as JSON, over replicas that come and go. */
import { afterEach, describe, expect, test } from "vitest";
import { bytes, compactOf, txnOf } from "../../mvcc/harness.ts";
import { overrideLimits } from "../../sim/limits-knobs.ts";
import { unavailable } from "../fakes.ts";
import { b64, inShort, type Reader, settled, WatchGateway } from "./harness.ts";

const create = (key: string, more: Record<string, unknown> = {}) => ({
  create_request: { key: b64(key), ...more },
});

let restoreLimits = (): void => undefined;
afterEach(() => restoreLimits());

function limits(values: Record<string, number>): void {
  restoreLimits = overrideLimits(values);
}

async function watching(gateway: WatchGateway, ...keys: readonly string[]): Promise<Reader> {
  const stream = await gateway.watch(...keys.map((key) => create(key)));
  await stream.messages(keys.length);
  return stream;
}

function txn(...operations: readonly (readonly [string, string])[]) {
  return txnOf({
    success: operations.map(([key, value]) => ({
      request: { case: "requestPut", value: { key: bytes(key), value: bytes(value) } },
    })),
  });
}

describe("a stream", () => {
  test("tells what happens, a message a revision, a chunk a message", async () => {
    const gateway = new WatchGateway();
    gateway.put("a", "0");
    const stream = await gateway.watch(create("a", { prev_kv: true }), create("b", { watch_id: "7" }));
    expect(stream.response.headers.get("Content-Type")).toBe("application/json");
    expect(stream.response.headers.get("Content-Length")).toBeNull();
    expect(await stream.messages(2)).toEqual(["@2 #0 created", "@2 #7 created"]);
    await stream.expectSilence();
    gateway.put("a", "1");
    gateway.watched.apply(txn(["b", "2"], ["a", "2"]));
    expect(await stream.messages(1)).toEqual(["@3 #0 a=1(0)@3"]);
    expect((await stream.messages(2)).sort()).toEqual(["@4 #0 a=2(1)@4", "@4 #7 b=2@4"]);
    gateway.delete("b");
    expect(await stream.messages(1)).toEqual(["@5 #7 b!@5"]);
    await stream.expectSilence();
  });

  test("goes on after the end of its requests, and takes more while it runs", async () => {
    const gateway = new WatchGateway();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const text = JSON.stringify(create("a"));
    // In pieces that are no values, as a network may deliver them.
    const begun = writer.write(bytes(text.slice(0, 10)));
    const opened = gateway.stream("/v3/watch", { method: "POST", body: readable, duplex: "half" });
    await begun;
    await writer.write(bytes(text.slice(10)));
    const stream = await opened;
    expect(await stream.messages(1)).toEqual(["@1 #0 created"]);
    gateway.put("a", "1");
    expect(await stream.messages(1)).toEqual(["@2 #0 a=1@2"]);
    await writer.write(bytes(`${JSON.stringify(create("b"))} ${JSON.stringify({ progress_request: {} })}`));
    expect(await stream.messages(2)).toEqual(["@2 #1 created", "@2 #-1"]);
    await writer.write(bytes(JSON.stringify({ cancel_request: { watch_id: 0 } })));
    expect(await stream.messages(1)).toEqual(["@2 #0 canceled"]);
    await writer.close();
    gateway.put("a", "2");
    gateway.put("b", "2");
    expect(await stream.messages(1)).toEqual(["@4 #1 b=2@4"]);
  });

  test("begins in the past, at once or after others have begun, and then goes on", async () => {
    const gateway = new WatchGateway();
    for (const value of ["1", "2", "3"]) gateway.put("a", value);
    const stream = await gateway.watch(create("a"), create("a", { start_revision: 3 }));
    expect(await stream.messages(3)).toEqual(["@4 #0 created", "@4 #1 created", "@4 #1 a=2@3 a=3@4"]);
    await settled();
    gateway.put("a", "4");
    expect((await stream.messages(2)).sort()).toEqual(["@5 #0 a=4@5", "@5 #1 a=4@5"]);
  });

  test("is told when its history is compacted", async () => {
    const gateway = new WatchGateway();
    for (const value of ["1", "2", "3"]) gateway.put("a", value);
    gateway.watched.apply(compactOf(3));
    const stream = await gateway.watch(create("a", { start_revision: 2 }), create("a"));
    expect((await stream.messages(3)).sort()).toEqual([
      "@- #0 canceled compact_revision:3",
      "@4 #0 created",
      "@4 #1 created",
    ]);
    gateway.put("a", "4");
    expect(await stream.messages(1)).toEqual(["@5 #1 a=4@5"]);
  });

  test("has a bounded number of watches", async () => {
    limits({ watchRangesMax: 2 });
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("a"), create("b"), create("c"));
    await stream.messages(2);
    expect(inShort(await stream.message())).toContain(
      "#-1 created canceled cancel_reason:etcdserver: a stream",
    );
  });
});

describe("a revision above what one answer holds", () => {
  const value = "v".repeat(400);

  test("is told at once all the same", async () => {
    limits({ watchBytesMax: 500 });
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("k", { range_end: b64("l") }));
    await stream.messages(1);
    gateway.watched.apply(txn(["k1", value], ["k2", value], ["k3", value]));
    expect(await stream.messages(1)).toEqual([`@2 #0 k1=${value}@2 k2=${value}@2 k3=${value}@2`]);
    gateway.put("k1", "-");
    expect(await stream.messages(1)).toEqual(["@3 #0 k1=-@3"]);
  });

  test("comes in fragments to who takes fragments, the last one without the mark", async () => {
    limits({ watchBytesMax: 500 });
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("k", { range_end: b64("l"), fragment: true }));
    await stream.messages(1);
    gateway.watched.apply(txn(["k1", value], ["k2", value], ["k3", value], ["k4", value]));
    expect(await stream.messages(2)).toEqual([
      `@2 #0 fragment k1=${value}@2 k2=${value}@2`,
      `@2 #0 k3=${value}@2 k4=${value}@2`,
    ]);
  });

  test("is cut, and marked, where even the gateway must not hold it", async () => {
    limits({ watchBytesMax: 500, watchRevisionBytesMax: 1_000 });
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("k", { range_end: b64("l") }));
    await stream.messages(1);
    gateway.watched.apply(txn(["k1", value], ["k2", value], ["k3", value], ["k4", value]));
    const told = await stream.messages(2);
    expect(told.map((text) => text.includes("fragment"))).toEqual([true, false]);
    expect(told.join(" ").match(/k\d/g)).toEqual(["k1", "k2", "k3", "k4"]);
  });
});

describe("replicas that fail", () => {
  test("are replaced without gap or repeat", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    await settled();
    const first = gateway.asked.at(-1)?.member ?? "";
    // What it found is lost on the way.
    gateway.twist = ({ member }, reply) => (member === first ? unavailable("no-leader") : reply);
    for (const value of ["1", "2", "3"]) {
      gateway.put("a", value);
      await settled();
    }
    gateway.delete("a");
    const told: string[] = [];
    while (told.length < 4) told.push(...(await stream.messages(1)));
    expect(told).toEqual(["@2 #0 a=1@2", "@3 #0 a=2@3", "@4 #0 a=3@4", "@5 #0 a!@5"]);
    await stream.expectSilence();
    expect(gateway.asked.at(-1)?.member).not.toBe(first);
  });

  test("one that serves is stayed with, one that has no leader is left", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    for (const value of ["1", "2", "3", "4"]) {
      gateway.put("a", value);
      await stream.messages(1);
    }
    const members = new Set(gateway.asked.map(({ member }) => member));
    expect(members.size).toBe(1);
    const [alone] = members;
    gateway.twist = ({ member }, reply) =>
      member === alone && reply.kind === "watched"
        ? { ...reply, header: { ...reply.header, leader: null } }
        : reply;
    gateway.put("a", "5");
    await stream.messages(1);
    await settled();
    expect(gateway.asked.at(-1)?.member).not.toBe(alone);
  });

  test("one that lags never takes a stream back", async () => {
    const gateway = new WatchGateway();
    gateway.put("a", "1");
    const stream = await watching(gateway, "a");
    gateway.put("a", "2");
    expect(await stream.messages(1)).toEqual(["@3 #0 a=2@3"]);
    await settled();
    // An answer that is complete only up to revision 1, from a replica that is there.
    gateway.twist = ({ member }, reply) =>
      reply.kind === "watched" && reply.events.length === 0
        ? {
            ...reply,
            header: { ...gateway.header(member), revision: 1 },
            next: { revision: 2, sub: 0 },
          }
        : reply;
    gateway.watched.hub.dismissAll();
    await settled();
    gateway.put("a", "3");
    expect(await stream.messages(1)).toEqual(["@4 #0 a=3@4"]);
    const positions = gateway.asked.flatMap(({ call }) => call.ranges.map(({ from }) => from.revision));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });

  test("all of them: the stream waits, and ends with etcd's words when that lasts", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    await settled();
    gateway.failAll(unavailable("no-leader"));
    gateway.watched.hub.dismissAll();
    await settled();
    await stream.expectSilence();
    for (let second = 0; second < 200; second += 1) await gateway.clock.advance(1_000);
    const rest: string[] = [];
    for (let chunk = await stream.chunk(); chunk !== null; chunk = await stream.chunk()) rest.push(chunk);
    expect(JSON.parse(rest.at(-1) ?? "")).toEqual({
      error: {
        grpc_code: 14,
        http_code: 503,
        message: "etcdserver: no leader",
        http_status: "Service Unavailable",
      },
    });
    const asked = gateway.asked.length;
    await gateway.clock.advance(100_000);
    expect(gateway.asked).toHaveLength(asked);
  });

  test("all of them as it begins: an answer that says so", async () => {
    const gateway = new WatchGateway();
    gateway.failAll(unavailable("no-leader"));
    const answer = gateway.request("/v3/watch", { method: "POST", body: JSON.stringify(create("a")) });
    for (let second = 0; second < 60; second += 1) await gateway.clock.advance(500);
    const response = await answer;
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("1");
  });

  test("a beginning wants what was acknowledged before, by a quorum if there is one", async () => {
    const gateway = new WatchGateway();
    await watching(gateway, "a");
    expect(gateway.asked[0]?.call).toMatchObject({ consistency: "linearizable", ranges: [], waitMs: 0 });
    const alone = new WatchGateway();
    alone.put("a", "1");
    await watching(alone, "a");
    for (const member of ["r1", "r2", "r3"]) {
      alone.instead.set(member, ({ call }) => {
        if (call.consistency === "linearizable") return unavailable("no-leader");
        alone.instead.clear();
        return { kind: "watched", header: alone.header(member), ...EMPTY_ANSWER };
      });
    }
    const before = alone.asked.length;
    const opened = alone.watch(create("a"));
    for (let second = 0; second < 20; second += 1) await alone.clock.advance(500);
    await opened;
    const serializable = alone.asked.slice(before).find(({ call }) => call.consistency === "serializable");
    expect(serializable?.call.minRevision).toBe(2);
  });
});

const EMPTY_ANSWER = { events: [], next: { revision: 3, sub: 0 }, compacted: [], compactRevision: -1 };

describe("a client that", () => {
  test("does not read is asked for by nobody", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    for (let i = 0; i < 20; i += 1) {
      gateway.put("a", `${i}`);
      await settled();
    }
    const asked = gateway.asked.length;
    for (let i = 20; i < 40; i += 1) {
      gateway.put("a", `${i}`);
      await settled();
    }
    expect(gateway.asked).toHaveLength(asked);
    expect(asked).toBeLessThan(8);
    const told = await stream.messages(40);
    expect(told).toEqual(Array.from({ length: 40 }, (_, i) => `@${i + 2} #0 a=${i}@${i + 2}`));
  });

  test("goes away is not pulled for any more", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    await settled();
    await stream.cancel();
    await settled();
    const asked = gateway.asked.length;
    for (let i = 0; i < 5; i += 1) {
      gateway.put("a", `${i}`);
      await settled();
    }
    await gateway.clock.advance(200_000);
    expect(gateway.asked).toHaveLength(asked);
  });

  test("hears nothing for long hears that, in a form that etcd has", async () => {
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a", "b");
    gateway.put("c", "1");
    await gateway.clock.advance(40_000);
    await stream.expectSilence();
    gateway.watched.hub.dismissAll();
    await settled();
    await gateway.clock.advance(40_000);
    expect(await stream.messages(1)).toEqual(["@2 #0"]);
    await stream.expectSilence();
    await gateway.clock.advance(40_000);
    expect(await stream.messages(1)).toEqual(["@2 #0"]);
  });

  test("wants progress hears it from each silent watch", async () => {
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("a"), create("b", { progress_notify: true }));
    await stream.messages(2);
    await gateway.clock.advance(40_000);
    gateway.put("a", "1");
    expect(await stream.messages(1)).toEqual(["@2 #0 a=1@2"]);
    await gateway.clock.advance(40_000);
    expect(await stream.messages(1)).toEqual(["@2 #1"]);
  });

  test("reads slowly is never told more progress than events", async () => {
    const gateway = new WatchGateway();
    const stream = await gateway.watch(create("a", { progress_notify: true }));
    await stream.messages(1);
    for (const value of ["1", "2", "3", "4"]) gateway.put("a", value);
    await settled();
    for (let minute = 0; minute < 5; minute += 1) await gateway.clock.advance(60_000);
    let told = 1;
    while (told < 5) {
      const [short = ""] = await stream.messages(1);
      const [, revision, event] = /^@(\d+) #0(.*)$/.exec(short) ?? [];
      if (event === "") expect(Number(revision)).toBeLessThanOrEqual(told);
      else told = Number(revision);
    }
  });

  test("asks for progress gets a bookmark behind all that was told before", async () => {
    const gateway = new WatchGateway();
    for (const value of ["1", "2"]) gateway.put("a", value);
    const stream = await gateway.watch(create("a"), { progress_request: {} });
    expect(await stream.messages(2)).toEqual(["@3 #0 created", "@3 #-1"]);
    expect(
      gateway.asked.some(({ call }) => call.consistency === "linearizable" && call.ranges.length > 0),
    ).toBe(true);
  });

  test("stays for very long is sent to come again before the platform refuses further calls", async () => {
    limits({ watchCallsMax: 6 });
    const gateway = new WatchGateway();
    const stream = await watching(gateway, "a");
    const told: (string | null)[] = [];
    for (let i = 0; told.at(-1) !== null; i += 1) {
      gateway.put("a", `${i}`);
      told.push(await stream.chunk());
    }
    expect(told.length).toBeGreaterThan(2);
    expect(gateway.asked.length).toBeLessThanOrEqual(7);
  });

  test("sets a deadline has its stream ended then", async () => {
    const gateway = new WatchGateway();
    const stream = await gateway.stream("/v3/watch", {
      method: "POST",
      body: JSON.stringify(create("a")),
      headers: { "Grpc-Timeout": "5S" },
    });
    await stream.messages(1);
    await gateway.clock.advance(5_000);
    expect(inShort(await stream.message())).toContain("context deadline exceeded");
    expect(await stream.chunk()).toBeNull();
  });
});

test("what cannot be read ends the requests, or is refused if nothing came before", async () => {
  const gateway = new WatchGateway();
  const refused = await gateway.request("/v3/watch", { method: "POST", body: "{bad" });
  expect(refused.status).toBe(500);
  expect(await refused.json()).toMatchObject({ code: 2 });
  limits({ watchRequestBytesMax: 100 });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = gateway.request("/v3/watch", { method: "POST", body: readable, duplex: "half" });
  await writer.write(bytes(`{"create_request":{"key":"${"a".repeat(200)}`));
  expect((await answer).status).toBe(429);
});
