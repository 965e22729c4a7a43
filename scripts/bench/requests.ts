/** The requests that are measured, in each dialect. */
import { create, toBinary } from "@bufbuild/protobuf";
import { PutRequestSchema, RangeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { type GrpcRequest, grpcRequest } from "./grpc-client.ts";
import type { HttpRequest } from "./http-client.ts";

/** What is asked for the key of a connection's n-th request. */
export type RequestOf<Request> = (connection: number, n: number) => Request;

/** Keys a connection writes and reads in turn, none of them another connection's. */
export const KEYS_PER_CONNECTION = 16;

export function keyOf(connection: number, n: number): string {
  return `k${connection}-${n % KEYS_PER_CONNECTION}`;
}

const base64 = (data: string | Buffer): string => Buffer.from(data).toString("base64");

/** Requests repeat with their keys, so each is made once: the generator shall cost little. */
function remembered<Request>(make: (key: string) => Request): RequestOf<Request> {
  const made = new Map<string, Request>();
  return (connection, n) => {
    const key = keyOf(connection, n);
    let request = made.get(key);
    if (request === undefined) {
      request = make(key);
      made.set(key, request);
    }
    return request;
  };
}

/** The plain dialect: `PUT /kv/KEY` with the value as it is. `root` is `/kv` or `/plain`. */
export function plainPut(root: string, value: Buffer): RequestOf<HttpRequest> {
  return remembered((key) => ({ method: "PUT", path: `${root}/${key}`, body: value }));
}

/** `query` begins with a question mark, or is empty. */
export function plainGet(root: string, query = ""): RequestOf<HttpRequest> {
  return remembered((key) => ({ method: "GET", path: `${root}/${key}${query}`, body: null }));
}

/** A call that reaches an object and does nothing there. */
export function noop(): RequestOf<HttpRequest> {
  return () => ({ method: "GET", path: "/plain/noop", body: null });
}

function post(path: string, message: unknown): HttpRequest {
  return { method: "POST", path, body: Buffer.from(JSON.stringify(message)) };
}

/** etcd's JSON gateway, as edged has it too. */
export function jsonPut(value: Buffer): RequestOf<HttpRequest> {
  const encoded = base64(value);
  return remembered((key) => post("/v3/kv/put", { key: base64(key), value: encoded }));
}

export function jsonGet(isSerializable: boolean): RequestOf<HttpRequest> {
  return remembered((key) => post("/v3/kv/range", { key: base64(key), serializable: isSerializable }));
}

/** Write if the key exists, else read it. */
export function jsonTxn(value: Buffer): RequestOf<HttpRequest> {
  const encoded = base64(value);
  return remembered((text) => {
    const key = base64(text);
    return post("/v3/kv/txn", {
      compare: [{ key, target: "CREATE", result: "GREATER", create_revision: "0" }],
      success: [{ request_put: { key, value: encoded } }],
      failure: [{ request_range: { key } }],
    });
  });
}

export function grpcPut(value: Buffer): RequestOf<GrpcRequest> {
  return remembered((key) => {
    const message = create(PutRequestSchema, { key: Buffer.from(key), value });
    return grpcRequest("/etcdserverpb.KV/Put", toBinary(PutRequestSchema, message));
  });
}

export function grpcGet(): RequestOf<GrpcRequest> {
  return remembered((key) => {
    const message = create(RangeRequestSchema, { key: Buffer.from(key) });
    return grpcRequest("/etcdserverpb.KV/Range", toBinary(RangeRequestSchema, message));
  });
}
