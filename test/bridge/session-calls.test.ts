/** Calls that go on in sessions: what ends them, and what they are told. */
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { until } from "../harness/processes.ts";
import { BridgeProcess } from "./bridge-process.ts";
import { FakeSessions } from "./fake-sessions.ts";

const PUT = "/etcdserverpb.KV/Put";
const RANGE = "/etcdserverpb.KV/Range";

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** A client with a connection of its own. */
class RawClient implements Disposable {
  readonly #session;

  constructor(url: string) {
    this.#session = connect(url);
    this.#session.on("error", () => undefined);
  }

  begin(path: string, message: Uint8Array, more: IncomingHttpHeaders = {}): ClientHttp2Stream {
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = this.#session.request({ ...headers, ...more });
    stream.on("error", () => undefined);
    stream.end(frame(message));
    return stream;
  }

  call(path: string, message: Uint8Array, more?: IncomingHttpHeaders): Promise<Told> {
    const stream = this.begin(path, message, more);
    return new Promise((answered) => {
      let headers: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const body: Buffer[] = [];
      stream.on("response", (told) => {
        headers = told;
      });
      stream.on("trailers", (told) => {
        trailers = told;
      });
      stream.on("data", (chunk: Buffer) => body.push(chunk));
      stream.on("close", () => answered({ headers, trailers, body: Buffer.concat(body) }));
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

describe("a call in a session", () => {
  test("is answered with bytes, a status and where they come from; a write has a key", async () => {
    const seen: unknown[] = [];
    const origin = { revision: 9n, term: 3n, replica: "r2", leader: "r1" };
    await using server = await FakeSessions.start((session, { calls }) => {
      for (const { id, path, request, metadata, timeoutMs } of calls) {
        seen.push([path, metadata["token"], metadata["idempotency-key"]?.length, timeoutMs]);
        session.tell({ answers: [{ id, response: request, origin }] });
      }
    });
    await using bridge = await BridgeProcess.start([server.url]);
    using client = new RawClient(bridge.url);
    const large = new Uint8Array(40_000).fill(7);
    const put = await client.call(PUT, large, { token: "t", "grpc-timeout": "5S" });
    expect(put.body.equals(frame(large))).toBe(true);
    expect(put.trailers["grpc-status"]).toBe("0");
    expect(put.headers).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc",
      "x-edged-revision": "9",
      "x-edged-term": "3",
      "x-edged-replica": "r2",
      "x-edged-leader": "r1",
    });
    // Longer than a timer and than a field of the session hold.
    const range = await client.call(RANGE, new Uint8Array(), { "grpc-timeout": "99999999H" });
    expect([range.body.length, range.trailers["grpc-status"]]).toEqual([5, "0"]);
    expect(seen).toEqual([
      [PUT, "t", 36, 5_000],
      [RANGE, undefined, undefined, 2 ** 32 - 1],
    ]);
  });

  test("is refused in the gateway's words, and by another gateway if the first one has no time", async () => {
    await using busy = await FakeSessions.start((session, { calls }) => {
      for (const { id } of calls)
        session.tell({ answers: [{ id, code: Code.Unavailable, message: "busy" }] });
    });
    await using strict = await FakeSessions.start((session, { calls }) => {
      for (const { id } of calls) session.tell({ answers: [{ id, code: 9, message: "etcdserver: nö" }] });
    });
    await using bridge = await BridgeProcess.start([busy.url, strict.url]);
    using client = new RawClient(bridge.url);
    // The first call opens a session, the second one finds it open.
    for (let call = 0; call < 2; call += 1) {
      const { headers, body } = await client.call(PUT, new Uint8Array());
      expect([headers["grpc-status"], headers["grpc-message"]]).toEqual(["9", "etcdserver: n%C3%B6"]);
      expect(body.length).toBe(0);
    }
    await using alone = await BridgeProcess.start([busy.url]);
    using other = new RawClient(alone.url);
    for (let call = 0; call < 2; call += 1) {
      const { headers } = await other.call(PUT, new Uint8Array());
      expect([headers["grpc-status"], headers["grpc-message"]]).toEqual(["14", "busy"]);
    }
  });

  test("ends with its time, with its client, and with the client's connection", async () => {
    let calls = 0;
    const cancelled: number[] = [];
    await using server = await FakeSessions.start((session, message) => {
      for (const { id, path } of message.calls) {
        calls += 1;
        if (path === RANGE) session.tell({ answers: [{ id }] });
      }
      cancelled.push(...message.cancels);
    });
    await using bridge = await BridgeProcess.start([server.url]);
    using client = new RawClient(bridge.url);
    await client.call(RANGE, new Uint8Array());
    const { headers } = await client.call(PUT, new Uint8Array(), { "grpc-timeout": "100m" });
    expect([headers["grpc-status"], headers["grpc-message"]]).toEqual(["4", "context deadline exceeded"]);
    const gone = client.begin(PUT, new Uint8Array());
    await until("it arrives", async () => (calls === 3 ? true : null));
    gone.close(8);
    await until("the gateway hears of it", async () => (cancelled.length === 2 ? true : null));
    const lost = new RawClient(bridge.url);
    lost.begin(PUT, new Uint8Array());
    lost.begin(PUT, new Uint8Array());
    await until("they arrive", async () => (calls === 5 ? true : null));
    lost[Symbol.dispose]();
    await until("the gateway hears of them", async () => (cancelled.length === 4 ? true : null));
    expect(cancelled.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
    expect((await client.call(RANGE, new Uint8Array())).trailers["grpc-status"]).toBe("0");
  });

  test("goes on under the same key when the gateway is lost, or falls silent", async () => {
    const keys: unknown[] = [];
    let isLost = true;
    await using first = await FakeSessions.start((session, { calls }) => {
      for (const { id, path, metadata } of calls) {
        if (path === RANGE) session.tell({ answers: [{ id }] });
        else {
          keys.push(metadata["idempotency-key"]);
          if (isLost) session.socket.terminate();
        }
      }
    });
    await using second = await FakeSessions.start((session, { calls }) => {
      for (const { id, metadata } of calls) {
        keys.push(metadata["idempotency-key"]);
        session.tell({ answers: [{ id }] });
      }
    });
    for (const how of ["lost", "silent"]) {
      keys.length = 0;
      isLost = how === "lost";
      await using bridge = await BridgeProcess.start([first.url, second.url]);
      using client = new RawClient(bridge.url);
      await client.call(RANGE, new Uint8Array());
      const put = client.call(PUT, new Uint8Array());
      await until("it arrives", async () => (keys.length > 0 ? true : null));
      if (!isLost) first.fallSilent();
      expect((await put).trailers["grpc-status"]).toBe("0");
      expect(keys.length).toBe(2);
      expect(keys[0]).toBe(keys[1]);
    }
  });

  test("that is no whole message is refused, and harms no other", async () => {
    await using server = await FakeSessions.start((session, { calls }) => {
      for (const { id } of calls) session.tell({ answers: [{ id }] });
    });
    await using bridge = await BridgeProcess.start([server.url]);
    using client = new RawClient(bridge.url);
    const { headers } = await client.call(PUT, new Uint8Array(), { "grpc-timeout": "soon" });
    expect([headers["grpc-status"], headers["grpc-message"]]).toEqual(["13", "invalid grpc-timeout: soon"]);
    const session = connect(bridge.url);
    const stream = session.request({ ":method": "POST", ":path": PUT, "content-type": "application/grpc" });
    const refused = new Promise<IncomingHttpHeaders>((told) => stream.on("response", told));
    stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
    expect((await refused)["grpc-message"]).toBe("the request is not one whole message");
    session.destroy();
    expect((await client.call(PUT, new Uint8Array())).trailers["grpc-status"]).toBe("0");
  });
});

test("a client that takes no answers holds up nobody else", { timeout: 60_000 }, async () => {
  const response = new Uint8Array(32 * 1024).fill(1);
  await using server = await FakeSessions.start((session, { calls }) => {
    for (const { id } of calls) session.tell({ answers: [{ id, response }] });
  });
  await using bridge = await BridgeProcess.start([server.url]);
  const { hostname, port } = new URL(bridge.url);
  const session = connect(bridge.url, {
    createConnection: () => connectTcp({ host: hostname, port: Number(port) }),
    settings: { initialWindowSize: 1_024 },
  });
  session.on("error", () => undefined);
  // Nobody reads their bodies: each has a window of a kilobyte.
  let answered = 0;
  for (let call = 0; call < 100; call += 1) {
    const stream = session.request({ ":method": "POST", ":path": RANGE, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.on("response", () => {
      answered += 1;
    });
    stream.end(frame(new Uint8Array()));
  }
  await until("all have begun", async () => (answered === 100 ? true : null));
  using client = new RawClient(bridge.url);
  for (let call = 0; call < 200; call += 1) {
    expect((await client.call(RANGE, new Uint8Array())).trailers["grpc-status"]).toBe("0");
  }
  session.destroy();
});
