/** Changes of keys as server-sent events. */
import { describe, expect, test } from "vitest";
import { bytes, compactOf, txnOf } from "../../mvcc/harness.ts";
import { unavailable } from "../fakes.ts";
import { type Reader, settled, WatchGateway } from "./harness.ts";

const ACCEPT = { Accept: "text/event-stream" };

function open(gateway: WatchGateway, path: string, headers: Record<string, string> = {}): Promise<Reader> {
  return gateway.stream(path, { headers: { ...ACCEPT, ...headers } });
}

interface Seen {
  readonly event: string;
  readonly data: Record<string, unknown> | null;
  /** What `EventSource` would send when it comes again. */
  readonly lastEventId: string;
}

/** Reads as the HTML standard says: events by blank lines, ids that stay, nothing dispatched without data. */
class EventSourceReader {
  readonly #reader: Reader;
  readonly #seen: Seen[] = [];
  lastEventId = "";

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async next(): Promise<Seen> {
    for (;;) {
      const seen = this.#seen.shift();
      if (seen !== undefined) return seen;
      const chunk = await this.#reader.chunk();
      if (chunk === null) throw new Error("the stream is over");
      this.#take(chunk);
    }
  }

  #take(chunk: string): void {
    for (const block of chunk.split("\n\n").slice(0, -1)) {
      let event = "message";
      let data = "";
      for (const line of block.split("\n")) {
        const [, field, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
        if (field === "event") event = value ?? "";
        if (field === "data") data += value;
        if (field === "id") this.lastEventId = value ?? "";
      }
      if (data === "") continue;
      const parsed = JSON.parse(data) as Record<string, unknown>;
      this.#seen.push({ event, data: parsed, lastEventId: this.lastEventId });
    }
  }
}

describe("events", () => {
  test("tell puts and deletions of one key as lists show keys", async () => {
    const gateway = new WatchGateway();
    const reader = await open(gateway, "/kv/a%2Fb?prev_kv");
    expect(reader.response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
    const source = new EventSourceReader(reader);
    gateway.put("a/b", "1");
    gateway.put("other", "x");
    gateway.delete("a/b");
    expect(await source.next()).toEqual({
      event: "put",
      data: { key: "a/b", value: "1", create_revision: 2, mod_revision: 2, version: 1 },
      lastEventId: "2",
    });
    expect(await source.next()).toEqual({
      event: "delete",
      data: {
        key: "a/b",
        mod_revision: 4,
        prev_kv: { key: "a/b", value: "1", create_revision: 2, mod_revision: 2, version: 1 },
      },
      lastEventId: "4",
    });
  });

  test("of a prefix, also of all keys, and of bytes that are no text", async () => {
    const gateway = new WatchGateway();
    const some = new EventSourceReader(await open(gateway, "/kv/?prefix=p/"));
    const all = new EventSourceReader(await open(gateway, "/kv/?prefix="));
    gateway.put("p/1", "v");
    expect((await some.next()).data).toMatchObject({ key: "p/1" });
    expect((await all.next()).data).toMatchObject({ key: "p/1" });
    const key = new Uint8Array([0xff]);
    gateway.watched.apply(
      txnOf({ success: [{ request: { case: "requestPut", value: { key, value: key } } }] }),
    );
    expect((await all.next()).data).toMatchObject({ key_base64: "/w==", value_base64: "/w==" });
  });

  test("of other clusters, where they are", async () => {
    const gateway = new WatchGateway();
    const source = new EventSourceReader(await open(gateway, "/clusters/x/kv/a"));
    gateway.put("a", "1");
    expect((await source.next()).data).toMatchObject({ key: "a" });
  });

  test("begin at a revision", async () => {
    const gateway = new WatchGateway();
    for (const value of ["1", "2", "3"]) gateway.put("a", value);
    const source = new EventSourceReader(await open(gateway, "/kv/a?revision=3"));
    expect((await source.next()).data).toMatchObject({ value: "2", mod_revision: 3 });
    expect((await source.next()).data).toMatchObject({ value: "3", mod_revision: 4 });
  });
});

describe("who was cut off", () => {
  test("resumes behind the last whole revision it has: no gap, nothing twice", async () => {
    const gateway = new WatchGateway();
    const first = new EventSourceReader(await open(gateway, "/kv/?prefix=k"));
    gateway.put("k0", "0");
    const put = (key: string) => ({
      request: { case: "requestPut" as const, value: { key: bytes(key), value: bytes("1") } },
    });
    gateway.watched.apply(txnOf({ success: [put("k1"), put("k2")] }));
    gateway.put("k3", "0");
    expect((await first.next()).lastEventId).toBe("2");
    const half = await first.next();
    expect(half.data).toMatchObject({ key: "k1" });
    // Cut off in the middle of a transaction: all of it comes again.
    expect(half.lastEventId).toBe("2");
    const again = new EventSourceReader(
      await open(gateway, "/kv/?prefix=k&revision=1", { "Last-Event-ID": half.lastEventId }),
    );
    const told = [await again.next(), await again.next(), await again.next()];
    expect(told.map(({ data, lastEventId }) => [data?.["key"], lastEventId])).toEqual([
      ["k1", "2"],
      ["k2", "3"],
      ["k3", "4"],
    ]);
  });

  test("resumes from where it began if nothing had happened, and from the last word of a silent stream", async () => {
    const gateway = new WatchGateway();
    gateway.put("x", "1");
    const reader = await open(gateway, "/kv/a");
    expect(await reader.chunk()).toBe("retry: 2000\nid: 2\n\n");
    gateway.put("x", "2");
    await gateway.clock.advance(20_000);
    gateway.watched.hub.dismissAll();
    await settled();
    await gateway.clock.advance(20_000);
    expect(await reader.chunk()).toBe(": nothing new\nid: 3\n\n");
  });

  test("for too long is told so, and from which revision on it will hear", async () => {
    const gateway = new WatchGateway();
    for (const value of ["1", "2", "3"]) gateway.put("a", value);
    gateway.watched.apply(compactOf(4));
    const reader = await open(gateway, "/kv/a", { "Last-Event-ID": "1" });
    const source = new EventSourceReader(reader);
    expect(await source.next()).toMatchObject({
      event: "compacted",
      data: { code: "compacted", compact_revision: 4, revision: 4 },
      lastEventId: "4",
    });
    expect(await reader.chunk()).toBeNull();
  });
});

describe("what is no request for events", () => {
  test.each([
    ["/kv/", "empty_key"],
    ["/kv/a?limit=3", "unknown_parameter"],
    ["/kv/a?revision=x", "invalid_parameter"],
  ])("%s is refused as %s", async (path, code) => {
    const response = await new WatchGateway().request(path, { headers: ACCEPT });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });

  test("an id that is none of ours is refused", async () => {
    const headers = { ...ACCEPT, "Last-Event-ID": "yesterday" };
    const response = await new WatchGateway().request("/kv/a", { headers });
    expect(await response.json()).toMatchObject({ code: "invalid_event_id" });
  });

  test("HEAD tells the type and watches nothing", async () => {
    const gateway = new WatchGateway();
    const response = await gateway.request("/kv/a", { method: "HEAD", headers: ACCEPT });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toMatch(/^text\/event-stream/);
    expect(gateway.asked).toHaveLength(1);
  });

  test("without any replica there is a plain answer", async () => {
    const gateway = new WatchGateway();
    gateway.failAll(unavailable("no-leader"));
    const answer = gateway.request("/kv/a", { headers: ACCEPT });
    for (let second = 0; second < 60; second += 1) await gateway.clock.advance(500);
    expect((await answer).status).toBe(503);
  });
});
