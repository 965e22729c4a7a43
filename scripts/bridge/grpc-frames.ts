/** gRPC's framing of calls with one message each way, on HTTP/2 streams as Node has them. */
import type {
  Http2ServerResponse,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from "node:http2";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { percentEncoded } from "./grpc-message.ts";

/** A byte that tells of compression and four of length. */
const HEAD_BYTES = 5;
/** Above it a message is not even read; the gateway refuses smaller ones in etcd's words. */
export const READ_BYTES_MAX = 16 * 1024 * 1024;

const unzip = promisify(gunzip);

/** The one message of a request. */
export async function readMessage(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<Buffer> {
  const body = await readAll(stream);
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

function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  return new Promise((read, failed) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= READ_BYTES_MAX) chunks.push(chunk);
    });
    stream.on("end", () => {
      const [first] = chunks;
      if (bytes > READ_BYTES_MAX) {
        const text = `grpc: received message larger than max (${bytes} vs. ${READ_BYTES_MAX})`;
        failed(new ConnectError(text, Code.ResourceExhausted));
      } else read(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    stream.on("error", failed);
  });
}

/** Answers with one message. */
export function sendMessage(
  response: Http2ServerResponse,
  metadata: OutgoingHttpHeaders,
  message: Buffer,
): void {
  if (response.stream.destroyed) return;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  response.writeHead(200, { "content-type": "application/grpc", ...metadata });
  response.addTrailers({ "grpc-status": "0" });
  response.end(Buffer.concat([head, message]));
}

/** Answers with an error and nothing else. */
export function sendError({ stream }: Http2ServerResponse, { code, rawMessage }: ConnectError): void {
  if (stream.destroyed || stream.headersSent) return;
  const headers = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(code),
    "grpc-message": percentEncoded(rawMessage),
  };
  stream.respond(headers, { endStream: true });
}
