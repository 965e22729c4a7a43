/** etcd's services over Connect and gRPC-web, asked by the protocols' own clients. */
import { create, type DescService, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { universalClientResponseFromFetch } from "@connectrpc/connect/protocol";
import { createTransport as connectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as grpcWebTransport } from "@connectrpc/connect/protocol-grpc-web";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { V3_METHODS } from "../../src/gateway/v3/methods.ts";
import * as electionFile from "../../src/wire/gen/etcd/election_pb.ts";
import * as lockFile from "../../src/wire/gen/etcd/lock_pb.ts";
import * as rpcFile from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { testGateway, unavailable } from "./fakes.ts";
import type { Gateway } from "./requests.ts";

const { KV, Maintenance, PutRequestSchema } = rpcFile;

const PROTOCOLS = { connect: connectTransport, "gRPC-web": grpcWebTransport };

async function collected(body: AsyncIterable<Uint8Array> | undefined): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return chunks;
}

function transportTo(gateway: Gateway, protocol: keyof typeof PROTOCOLS, path = "") {
  return PROTOCOLS[protocol]({
    httpClient: async ({ url, method, header, body }) => {
      const bytes = concatBytes(await collected(body));
      const response = await gateway.app.request(url, { method, headers: header, body: bytes });
      return universalClientResponseFromFetch(response);
    },
    baseUrl: `http://gateway${path}`,
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 1024,
    readMaxBytes: 1024 * 1024,
    writeMaxBytes: 16 * 1024 * 1024,
  });
}

/** The refusal of `call`. */
async function refusalOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

describe.each(["connect", "gRPC-web"] as const)("over %s", (protocol) => {
  test("keys are written and read, and answers say where they come from", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol));
    const { header } = await kv.put({ key: utf8("a"), value: utf8("1") });
    expect(header).toMatchObject({ revision: 2n });
    let from: string | null = null;
    const onHeader = (headers: Headers) => {
      from = headers.get("X-Edged-Replica");
    };
    const { kvs, count } = await kv.range({ key: utf8("a") }, { onHeader });
    expect(kvs.map(({ value }) => value)).toEqual([utf8("1")]);
    expect(count).toBe(1n);
    expect(from).toMatch(/^r[123]$/);
  });

  test("refusals have etcd's code and text", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol));
    const empty = await refusalOf(kv.put({ value: utf8("1") }));
    expect([empty.code, empty.rawMessage]).toEqual([Code.InvalidArgument, "etcdserver: key is not provided"]);
    const future = await refusalOf(kv.range({ key: utf8("a"), revision: 99n }));
    expect([future.code, future.rawMessage]).toEqual([
      Code.OutOfRange,
      "etcdserver: mvcc: required revision is a future revision",
    ]);
    expect(future.metadata.get("X-Edged-Revision")).toBe("1");
  });

  test("a message above gRPC's limit is refused in gRPC's words", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol));
    const value = new Uint8Array(LIMITS.receiveBytesMax);
    const { code, rawMessage } = await refusalOf(kv.put({ key: utf8("a"), value }));
    expect(code).toBe(Code.ResourceExhausted);
    expect(rawMessage).toMatch(/^grpc: received message larger than max \(\d+ vs\. 2097152\)$/);
    const { code: next } = await refusalOf(
      kv.put({ key: utf8("a"), value: value.subarray(0, LIMITS.requestBytesMax) }),
    );
    expect(next).toBe(Code.InvalidArgument);
  });

  test("a deadline is heard", async () => {
    const gateway = testGateway();
    for (const member of ["r1", "r2", "r3"]) {
      gateway.replicas.down.set(member, () => unavailable("no-leader"));
    }
    const kv = createClient(KV, transportTo(gateway, protocol));
    const { code, rawMessage } = await refusalOf(kv.range({ key: utf8("a") }, { timeoutMs: 60_000 }));
    expect([code, rawMessage]).toEqual([Code.Unavailable, "etcdserver: no leader"]);
  });

  test("other clusters are below their path", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol, "/clusters/other"));
    await kv.put({ key: utf8("a"), value: utf8("1") });
    expect(gateway.replicas.calls.at(-1)).toMatchObject({ cluster: "other" });
  });

  test("a repeated write with its Idempotency-Key gets its first answer", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol));
    const options = { headers: { "Idempotency-Key": "one" } };
    const first = await kv.put({ key: utf8("a"), value: utf8("1") }, options);
    const again = await kv.put({ key: utf8("a"), value: utf8("1") }, options);
    expect(again.header?.revision).toBe(first.header?.revision);
  });

  test("what goes wrong inside is logged, and clients hear that it did", async () => {
    const gateway = testGateway();
    const kv = createClient(KV, transportTo(gateway, protocol));
    gateway.store.range = () => {
      throw new Error("broken");
    };
    const { code, rawMessage } = await refusalOf(kv.range({ key: utf8("a") }));
    expect([code, rawMessage]).toEqual([Code.Internal, "internal error"]);
    expect(gateway.logged).toMatchObject([{ message: "broken" }]);
  });

  test("an RPC without a method is unimplemented", async () => {
    const gateway = testGateway();
    const maintenance = createClient(Maintenance, transportTo(gateway, protocol));
    const { code, rawMessage } = await refusalOf(maintenance.downgrade({}));
    expect(code).toBe(Code.Unimplemented);
    expect(rawMessage).toBe("unknown method Downgrade for service etcdserverpb.Maintenance");
  });
});

test("Connect is plain HTTP", async () => {
  const { app } = testGateway();
  const headers = { "Content-Type": "application/json" };
  const path = "/etcdserverpb.KV/Put";
  const answer = await app.request(path, { method: "POST", headers, body: '{"key":"YQ=="}' });
  expect([answer.status, await answer.json()]).toMatchObject([200, { header: { revision: "2" } }]);
  const body = toBinary(PutRequestSchema, create(PutRequestSchema, {}));
  const refused = await app.request(path, {
    method: "POST",
    headers: { "Content-Type": "application/proto" },
    body: new Uint8Array(body),
  });
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { code: "invalid_argument", message: "etcdserver: key is not provided" },
  ]);
  expect((await app.request(path)).status).toBe(405);
  expect((await app.request(path, { method: "POST", body: "x" })).status).toBe(415);
});

test("browsers may use it from other origins", async () => {
  const { app } = testGateway();
  const answer = await app.request("/etcdserverpb.KV/Range", { method: "OPTIONS" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Access-Control-Allow-Headers")).toContain("X-Grpc-Web");
  expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("Grpc-Status");
});

/** RPCs whose methods do not exist. */
const UNIMPLEMENTED = ["maintenance/downgrade"];

test("every RPC of every service has a name, and all but a few have a method", () => {
  const services = [rpcFile, lockFile, electionFile].flatMap((file) => Object.values(file).filter(isService));
  const all = services.flatMap(({ methods }) => methods);
  expect(all.length).toBeGreaterThan(40);
  expect(new Set(RPCS.map(({ rpc }) => rpc))).toEqual(new Set(all));
  const missing = RPCS.filter(({ name }) => !V3_METHODS.has(name));
  expect(missing.map(({ name }) => name)).toEqual(UNIMPLEMENTED);
});
