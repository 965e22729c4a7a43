/** The bridge before gateways that do what a test wants: what goes through, what comes back, what is held. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { Election } from "../../src/wire/gen/etcd/election_pb.ts";
import { KV, Lease } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { Health } from "../../src/wire/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../src/wire/gen/grpc/reflection/v1/reflection_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { until } from "../harness/processes.ts";
import { BridgeProcess } from "./bridge-process.ts";
import { FakeGateway } from "./fake-gateway.ts";

const CERTS = join(import.meta.dirname, "certs");
const MEBIBYTE = 1024 * 1024;

function transportTo({ url }: BridgeProcess) {
  return createGrpcTransport({ baseUrl: url });
}

async function refusalOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** Everything that a plain request gets, as it is on the wire. */
function rawAnswer(url: string, path: string, isEnough: (text: string) => boolean): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    let text = "";
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST ${path} HTTP/1.1\r\nHost: bridge\r\nContent-Length: 2\r\n\r\n{}`);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (!isEnough(text)) return;
      socket.destroy();
      done(text);
    });
    socket.on("error", failed);
  });
}

/** The text of a refusal as it is on the wire, wherever it stands. */
function rawGrpcMessage(url: string, path: string): Promise<unknown> {
  const session = connectHttp2(url);
  return new Promise((done, failed) => {
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(headers);
    const look = (told: IncomingHttpHeaders): void => {
      if (told["grpc-message"] !== undefined) done(told["grpc-message"]);
    };
    stream.on("response", look);
    stream.on("trailers", look);
    stream.on("error", failed);
    stream.resume();
    stream.end(Buffer.alloc(5));
  }).finally(() => session.destroy());
}

describe("calls", () => {
  test("carry metadata, deadlines, errors, and an id for each write", async () => {
    const seen: Headers[] = [];
    let timeoutMs = 0;
    await using gateway = await FakeGateway.start((router) =>
      router.service(KV, {
        put: (_request, context) => {
          seen.push(context.requestHeader);
          timeoutMs = context.timeoutMs() ?? 0;
          throw new ConnectError("etcdserver: user name is empty, ünd: 100%", Code.InvalidArgument);
        },
      }),
    );
    await using bridge = await BridgeProcess.start([gateway.url], "--token", "secret");
    const kv = createClient(KV, transportTo(bridge));
    const options = { timeoutMs: 20_000, headers: { token: "etcd's", authorization: "no" } };
    const { code, rawMessage } = await refusalOf(kv.put({ key: utf8("a") }, options));
    expect([code, rawMessage]).toEqual([Code.InvalidArgument, "etcdserver: user name is empty, ünd: 100%"]);
    expect(timeoutMs).toBeGreaterThan(1_000);
    expect(seen[0]?.get("token")).toBe("etcd's");
    expect(seen[0]?.get("authorization")).toBe("Bearer secret");
    expect(seen[0]?.get("x-edged-client-url")).toBe(bridge.url);
    await refusalOf(kv.put({ key: utf8("a") }));
    const ids = seen.map((headers) => headers.get("idempotency-key"));
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain(null);
  });

  test.each(["KV/Put", "Lease/LeaseKeepAlive"])(
    "of %s tell texts as Go's servers escape them",
    async (path) => {
      const text = 'etcdserver: a, b; 100% (ünd) "c"';
      const refuse = () => {
        throw new ConnectError(text, Code.InvalidArgument);
      };
      await using gateway = await FakeGateway.start((router) => {
        router.service(KV, { put: refuse });
        // biome-ignore lint/correctness/useYield: it is refused before there is anything to tell.
        router.rpc({ ...Lease.method.leaseKeepAlive, methodKind: "server_streaming" }, async function* () {
          refuse();
        });
      });
      await using bridge = await BridgeProcess.start([gateway.url]);
      const told = await rawGrpcMessage(bridge.url, `/etcdserverpb.${path}`);
      expect(told).toBe('etcdserver: a, b; 100%25 (%C3%BCnd) "c"');
    },
  );

  test("go on to the next gateway under the same id, and to one that comes back", async () => {
    const keys: (string | null)[] = [];
    await using broken = await FakeGateway.start(
      () => undefined,
      (request) => {
        keys.push(request.headers["idempotency-key"]?.toString() ?? null);
        request.socket.destroy();
      },
    );
    await using good = await FakeGateway.start((router) =>
      router.service(KV, {
        put: (_request, { requestHeader }) => {
          keys.push(requestHeader.get("idempotency-key"));
          return { header: { revision: 7n } };
        },
      }),
    );
    await using bridge = await BridgeProcess.start([broken.url, good.url]);
    const kv = createClient(KV, transportTo(bridge));
    const { header } = await kv.put({ key: utf8("a") });
    expect(header?.revision).toBe(7n);
    expect(keys.length).toBe(2);
    expect(keys[0]).toBe(keys[1]);
    await kv.put({ key: utf8("a") });
    expect(keys.length).toBe(3);
  });

  test("leave a gateway that has fallen silent, and so do streams", async () => {
    // It accepts everything and says nothing, as a process that was stopped.
    await using silent = await FakeGateway.start(
      () => undefined,
      () => undefined,
    );
    await using good = await FakeGateway.start(
      (router) => {
        router.service(KV, { put: () => ({ header: { revision: 7n } }) });
        router.service(Election, {
          observe: async function* () {
            yield { kv: { modRevision: 3n } };
          },
        });
      },
      (_request, response) => response.end("ok"),
    );
    await using bridge = await BridgeProcess.start([silent.url, good.url]);
    const transport = transportTo(bridge);
    const observed = createClient(Election, transport).observe({})[Symbol.asyncIterator]().next();
    const written = createClient(KV, transport).put({ key: utf8("a") });
    expect((await written).header?.revision).toBe(7n);
    expect((await observed).value?.kv?.modRevision).toBe(3n);
  });

  test("without any gateway are unavailable", async () => {
    const gateway = await FakeGateway.start(() => undefined);
    await gateway[Symbol.asyncDispose]();
    await using bridge = await BridgeProcess.start([gateway.url]);
    const { code, rawMessage } = await refusalOf(createClient(KV, transportTo(bridge)).range({}));
    expect(code).toBe(Code.Unavailable);
    expect(rawMessage).toContain(`${gateway.url} does not answer`);
    const proxied = await fetch(`${bridge.url}/v3/kv/range`, { method: "POST", body: "{}" });
    expect([proxied.status, await proxied.json()]).toMatchObject([503, { code: 14 }]);
  });

  test("that the client cancels are cancelled at the gateway", async () => {
    let state: "nothing" | "arrived" | "cancelled" = "nothing";
    await using gateway = await FakeGateway.start((router) =>
      router.service(KV, {
        range: (_request, { signal }) =>
          new Promise((_answered, failed) => {
            state = "arrived";
            signal.addEventListener("abort", () => {
              state = "cancelled";
              failed(new Error("cancelled"));
            });
          }),
      }),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const kv = createClient(KV, transportTo(bridge));
    const client = new AbortController();
    const refusal = refusalOf(kv.range({}, { signal: client.signal }));
    await until("the call arrives", async () => (state === "arrived" ? true : null));
    client.abort();
    expect((await refusal).code).toBe(Code.Canceled);
    await until("the gateway hears of it", async () => (state === "cancelled" ? true : null));
  });

  test("with large messages go through", async () => {
    await using gateway = await FakeGateway.start((router) =>
      router.service(KV, {
        range: ({ key }) => ({ kvs: [{ key, value: new Uint8Array(8 * MEBIBYTE).fill(7) }] }),
      }),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const key = new Uint8Array(MEBIBYTE).fill(1);
    const { kvs } = await createClient(KV, transportTo(bridge)).range({ key });
    expect(Buffer.compare(key, kvs[0]?.key ?? new Uint8Array())).toBe(0);
    expect(kvs[0]?.value.length).toBe(8 * MEBIBYTE);
  });

  test("come many at once", async () => {
    // Nobody is answered before many wait: calls must not queue behind each other.
    const together = 50;
    const waiting: (() => void)[] = [];
    let isOpen = false;
    await using gateway = await FakeGateway.start((router) =>
      router.service(KV, {
        range: async ({ key }) => {
          isOpen ||= waiting.length + 1 >= together;
          if (isOpen) for (const proceed of waiting.splice(0)) proceed();
          else await new Promise<void>((proceed) => waiting.push(proceed));
          return { kvs: [{ key }] };
        },
      }),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const kv = createClient(KV, transportTo(bridge));
    const keys = Array.from({ length: 200 }, (_, number) => utf8(String(number)));
    const answers = await Promise.all(keys.map((key) => kv.range({ key })));
    expect(answers.map(({ kvs }) => kvs[0]?.key)).toEqual(keys);
    expect(isOpen).toBe(true);
  });
});

describe("streams", () => {
  test("are pulled no faster than the client reads, and end with it", async () => {
    const value = new Uint8Array(256 * 1024);
    let sentBytes = 0;
    let ended = false;
    await using gateway = await FakeGateway.start((router) =>
      router.service(Election, {
        observe: async function* () {
          try {
            for (let modRevision = 1n; ; modRevision += 1n) {
              yield { kv: { modRevision, value } };
              sentBytes += value.length;
            }
          } finally {
            ended = true;
          }
        },
      }),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const leave = new AbortController();
    const options = { signal: leave.signal };
    const observed = createClient(Election, transportTo(bridge)).observe({}, options);
    const iterator = observed[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.kv?.value.length).toBe(value.length);
    // The client reads no further: soon the gateway cannot send any more.
    let before = -1;
    let rounds = 0;
    await until("nothing more is sent", async () => {
      rounds = sentBytes === before ? rounds + 1 : 0;
      before = sentBytes;
      return rounds > 30 ? true : null;
    });
    expect(sentBytes).toBeLessThan(32 * MEBIBYTE);
    expect(residentBytes(bridge.pid)).toBeLessThan(300 * MEBIBYTE);
    leave.abort();
    await until("the gateway hears that the client has gone", async () => (ended ? true : null));
  });

  test("of renewals are answered in their order, and end with the requests", async () => {
    await using gateway = await FakeGateway.start((router) =>
      router.rpc(
        // As the Worker does it, over HTTP/1.1.
        { ...Lease.method.leaseKeepAlive, methodKind: "server_streaming" },
        async function* (request) {
          if ("ID" in request) yield { ID: request.ID, TTL: 5n };
        },
      ),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const ids = Array.from({ length: 100 }, (_, number) => BigInt(number));
    const requests = (async function* () {
      for (const ID of ids) yield { ID };
    })();
    const answered: bigint[] = [];
    for await (const { ID } of createClient(Lease, transportTo(bridge)).leaseKeepAlive(requests)) {
      answered.push(ID);
    }
    expect(answered).toEqual(ids);
  });
});

describe("HTTP/1.1 on the same port", () => {
  test("chunks stay chunks, however they travel", async () => {
    await using gateway = await FakeGateway.start(
      () => undefined,
      (_request, response) => {
        // One packet, two chunks; then one by itself.
        response.cork();
        response.write('{"first":1}\n');
        response.write('{"second":2}\n');
        response.uncork();
        setImmediate(() => response.write('{"third":3}\n'));
      },
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const text = await rawAnswer(bridge.url, "/v3/watch", (all) => all.includes("third"));
    const [head = "", ...chunks] = text.split(/\r\n(?:[0-9a-f]+\r\n)?/).filter((part) => part !== "");
    expect(head).toBe("HTTP/1.1 200 OK");
    expect(text.toLowerCase()).toContain("transfer-encoding: chunked");
    expect(text).toContain('c\r\n{"first":1}\n\r\nd\r\n{"second":2}\n\r\nc\r\n{"third":3}\n\r\n');
    expect(chunks.length).toBeGreaterThan(3);
  });

  test("requests and answers are the gateway's own, over HTTP/2 as well", async () => {
    await using gateway = await FakeGateway.start(
      () => undefined,
      (request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        request.on("end", () => {
          response.writeHead(418, { "X-Edged-Revision": "5", "Content-Length": "2" });
          response.end(
            JSON.stringify({ path: request.url, method: request.method, body }).length > 20 ? "ok" : "no",
          );
        });
      },
    );
    await using bridge = await BridgeProcess.start([`${gateway.url}/clusters/other`]);
    const answer = await fetch(`${bridge.url}/kv/a%2Fb?x=1`, { method: "PUT", body: "value" });
    expect([answer.status, answer.headers.get("x-edged-revision"), await answer.text()]).toEqual([
      418,
      "5",
      "ok",
    ]);
    expect(answer.headers.get("content-length")).toBe("2");
  });

  test("the bridge's memory is among the metrics; an empty token is one that nobody has", async () => {
    const tokens: unknown[] = [];
    await using gateway = await FakeGateway.start(
      () => undefined,
      ({ headers, url }, response) => {
        tokens.push([url, headers["accept-encoding"], headers["grpc-metadata-authorization"]]);
        response.writeHead(200, { "Content-Length": "8" }).end("metric 1");
      },
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    const metrics = await (await fetch(`${bridge.url}/metrics`)).text();
    expect(metrics).toMatch(/^metric 1[\s\S]*\nprocess_resident_memory_bytes \d{7,}\n$/);
    for (const path of ["/v3/kv/range", "/kv/a"]) {
      const headers = { Authorization: "", "Accept-Encoding": "gzip" };
      expect(await (await fetch(`${bridge.url}${path}`, { method: "POST", headers })).text()).toBe(
        "metric 1",
      );
    }
    expect(tokens).toEqual([
      ["/metrics", "identity", undefined],
      ["/v3/kv/range", "gzip", "-"],
      ["/kv/a", "gzip", undefined],
    ]);
  });
});

test("health and schema are told", async () => {
  let isWell = true;
  await using gateway = await FakeGateway.start(
    () => undefined,
    (_request, response) => response.writeHead(isWell ? 200 : 503).end(),
  );
  await using bridge = await BridgeProcess.start([gateway.url]);
  const health = createClient(Health, transportTo(bridge));
  expect(await health.check({})).toMatchObject({ status: 1 });
  isWell = false;
  expect(await health.check({ service: "etcdserverpb.KV" })).toMatchObject({ status: 2 });
  expect((await refusalOf(health.check({ service: "nobody" }))).code).toBe(Code.NotFound);
  const questions = (async function* () {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    yield { messageRequest: { case: "fileContainingSymbol" as const, value: "mvccpb.KeyValue" } };
    yield { messageRequest: { case: "fileContainingSymbol" as const, value: "no.Such" } };
  })();
  const told: unknown[] = [];
  for await (const { messageResponse } of createClient(
    ServerReflection,
    transportTo(bridge),
  ).serverReflectionInfo(questions)) {
    if (messageResponse.case === "listServicesResponse") {
      told.push(messageResponse.value.service.map(({ name }) => name).includes("etcdserverpb.KV"));
    } else {
      told.push(messageResponse.case);
    }
  }
  expect(told).toEqual([true, "fileDescriptorResponse", "errorResponse"]);
});

test("with TLS both protocols are on one port, for clients with a certificate", async () => {
  await using gateway = await FakeGateway.start(
    (router) => router.service(KV, { range: () => ({ count: 3n }) }),
    (_request, response) => response.end("plain"),
  );
  const file = (name: string): string => join(CERTS, `${name}.pem`);
  await using bridge = await BridgeProcess.start(
    [gateway.url],
    ...["--tls-cert", file("server"), "--tls-key", file("server-key"), "--client-ca", file("ca")],
  );
  expect(bridge.url).toMatch(/^https:/);
  const ca = readFileSync(file("ca"));
  const identity = { ca, cert: readFileSync(file("client")), key: readFileSync(file("client-key")) };
  const transport = createGrpcTransport({ baseUrl: bridge.url, nodeOptions: identity });
  expect((await createClient(KV, transport).range({})).count).toBe(3n);
  const text = await new Promise<string>((answered, failed) => {
    httpsRequest(bridge.url, identity, (response) => {
      response.on("data", (chunk: Buffer) => answered(chunk.toString()));
    })
      .on("error", failed)
      .end();
  });
  expect(text).toBe("plain");
  await expect(
    new Promise((answered, failed) => {
      httpsRequest(bridge.url, { ca }, answered).on("error", failed).end();
    }),
  ).rejects.toThrow();
});

describe("a bridge", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("ends cleanly with %s, streams and all", async (signal) => {
    await using gateway = await FakeGateway.start(
      () => undefined,
      (_request, response) => response.write("\n"),
    );
    await using bridge = await BridgeProcess.start([gateway.url]);
    await new Promise<void>((begun) => {
      httpRequest(`${bridge.url}/v3/watch`, (response) => {
        response.on("error", () => undefined);
        response.once("data", () => begun());
      })
        .on("error", () => undefined)
        .end();
    });
    expect(await bridge.end(signal)).toBe(0);
  });

  test("says what is wrong with its port or its options", async () => {
    await using gateway = await FakeGateway.start(() => undefined);
    const { host } = new URL(gateway.url);
    await expect(BridgeProcess.start([gateway.url], "--listen", host)).rejects.toThrow(
      /port \d+ on 127\.0\.0\.1 is taken by another process/,
    );
    await expect(BridgeProcess.start([gateway.url], "--tls-cert", "x")).rejects.toThrow("need each other");
  });
});

function residentBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return pages * 4_096;
  } catch {
    // No /proc on this system.
    return 0;
  }
}
