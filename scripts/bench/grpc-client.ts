/**
 * A client over gRPC with an HTTP/2 connection of its own. Requests are encoded beforehand and
 * answers are not decoded: a whole gRPC library would take longer than the servers that are measured.
 */
import { connect, constants } from "node:http2";
import type { Client } from "./drive.ts";

export interface GrpcRequest {
  /** As in a path: `/etcdserverpb.KV/Put`. */
  readonly method: string;
  readonly message: Uint8Array;
  /** The message with gRPC's frame before it. */
  readonly framed: Buffer;
}

/** A byte that tells of compression and four of length. */
const HEAD_BYTES = 5;

export function grpcRequest(method: string, message: Uint8Array): GrpcRequest {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return { method, message, framed: Buffer.concat([head, message]) };
}

/** `requestOf` says what the n-th request is. */
export function grpcClient(origin: string, requestOf: (n: number) => GrpcRequest): Client {
  const session = connect(origin);
  // Every request on it fails and is counted; nobody else needs to know.
  session.on("error", () => undefined);
  const call = (n: number): Promise<boolean> =>
    new Promise((answered, failed) => {
      const { method, framed } = requestOf(n);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: method,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
        [constants.HTTP2_HEADER_TE]: "trailers",
      });
      let isOk = false;
      const look = (headers: Readonly<Record<string, unknown>>): void => {
        isOk ||= headers["grpc-status"] === "0";
      };
      stream.on("response", look);
      stream.on("trailers", look);
      stream.on("end", () => answered(isOk));
      stream.on("error", failed);
      stream.resume();
      stream.end(framed);
    });
  return {
    call,
    close: async () => session.destroy(),
  };
}
