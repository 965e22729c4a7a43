/** gRPC's framing of calls with one message each way, on HTTP/2 streams as Node has them. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { percentEncoded } from "./grpc-message.ts";

/** A byte that tells of compression and four of length. */
const HEAD_BYTES = 5;
/** Above it a message is not kept; the gateway refuses smaller ones in etcd's words. */
export const READ_BYTES_MAX = 16 * 1024 * 1024;

const unzip = promisify(gunzip);
const EMPTY = Buffer.alloc(0);

/** Messages up to this size are copied behind their heads: one piece is written faster than two. */
const COPIED_BYTES_MAX = 16 * 1024;

export const GRPC_HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc" };

/** Without a date: gRPC has none, and Node does as it is told though its types do not know that here. */
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const WITHOUT_BODY = { endStream: true, sendDate: false };
const IS_OK = { "grpc-status": "0" };

/**
 * Reads a request's body; `read` is told the whole of it, or what is wrong with it. A stream that breaks
 * tells neither.
 */
export function readBody(stream: ServerHttp2Stream, read: (body: Buffer | ConnectError) => void): void {
  let first: Buffer | null = null;
  let more: Buffer[] | null = null;
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (first === null) first = chunk;
    else if (bytes <= READ_BYTES_MAX) {
      more ??= [first];
      more.push(chunk);
    }
  });
  stream.on("end", () => {
    if (bytes > READ_BYTES_MAX) {
      const text = `grpc: received message larger than max (${bytes} vs. ${READ_BYTES_MAX})`;
      read(new ConnectError(text, Code.ResourceExhausted));
    } else read(more === null ? (first ?? EMPTY) : Buffer.concat(more));
  });
}

/** The one message of a body: at once unless it is compressed. Throws what the client is told. */
export function messageOf(body: Buffer, headers: IncomingHttpHeaders): Buffer | Promise<Buffer> {
  if (body.length < HEAD_BYTES) throw new ConnectError("the request has no message", Code.Internal);
  const end = HEAD_BYTES + body.readUInt32BE(1);
  if (body.length !== end) throw new ConnectError("the request is not one whole message", Code.Internal);
  const message = body.subarray(HEAD_BYTES, end);
  if (body[0] === 0) return message;
  if (headers["grpc-encoding"] !== "gzip") {
    const text = `grpc: Decompressor is not installed for grpc-encoding "${String(headers["grpc-encoding"])}"`;
    throw new ConnectError(text, Code.Unimplemented);
  }
  return unzip(message, { maxOutputLength: READ_BYTES_MAX });
}

/** Answers with one message. `headers` are all of the answer's, `GRPC_HEADERS` among them. */
export function sendMessage(
  stream: ServerHttp2Stream,
  headers: OutgoingHttpHeaders,
  message: Uint8Array,
): void {
  if (isGone(stream)) return;
  stream.on("wantTrailers", sendOk);
  stream.respond(headers, WITH_TRAILERS);
  const isSmall = message.length <= COPIED_BYTES_MAX;
  const frame = Buffer.allocUnsafe(isSmall ? HEAD_BYTES + message.length : HEAD_BYTES);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  if (isSmall) {
    frame.set(message, HEAD_BYTES);
    stream.end(frame);
  } else {
    stream.write(frame);
    stream.end(message);
  }
}

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(IS_OK);
}

/** Answers with an error and nothing else. */
export function sendError(stream: ServerHttp2Stream, { code, rawMessage }: ConnectError): void {
  if (isGone(stream)) return;
  const headers = {
    ...GRPC_HEADERS,
    "grpc-status": String(code),
    "grpc-message": percentEncoded(rawMessage),
  };
  stream.respond(headers, WITHOUT_BODY);
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed || stream.headersSent;
}
