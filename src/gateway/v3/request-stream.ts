/** The requests of a stream: JSON values one after the other in a body that may come bit by bit. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { concatBytes, EMPTY_BYTES } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import { readJsonRequest } from "./json-reader.ts";
import { scanJson } from "./json-text.ts";
import { aboveReceiveLimit, refused, unreadableRequest, type V3Refusal } from "./refusal.ts";

/** What came next; no requests at the end of the body. Nothing follows a refusal. */
export interface Incoming<Request> {
  readonly requests: readonly Request[];
  readonly isEnd: boolean;
  /** What followed these requests cannot be read. */
  readonly refusal: V3Refusal | null;
}

/** Go's word for a text that ends too early. */
const TOO_SHORT = "unexpected EOF";

export class RequestStream<Desc extends DescMessage> {
  readonly #schema: Desc;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  #rest: Uint8Array = EMPTY_BYTES;
  #isEnd: boolean;

  constructor(schema: Desc, body: ReadableStream<Uint8Array> | null) {
    this.#schema = schema;
    this.#reader = body?.getReader() ?? null;
    this.#isEnd = this.#reader === null;
  }

  /** Waits for at least one request, the end, or what is none. */
  async next(): Promise<Incoming<MessageShape<Desc>>> {
    for (;;) {
      const incoming = this.#parse();
      if (incoming.requests.length > 0 || incoming.refusal !== null || incoming.isEnd) return incoming;
      const chunk = await this.#reader?.read();
      if (chunk === undefined || chunk.done) this.#isEnd = true;
      else this.#rest = concatBytes([this.#rest, chunk.value]);
    }
  }

  #parse(): Incoming<MessageShape<Desc>> {
    const requests: MessageShape<Desc>[] = [];
    while (requests.length < LIMITS.watchRequestsMax) {
      const scan = scanJson(this.#rest);
      if (scan.kind === "empty") {
        this.#rest = EMPTY_BYTES;
        return { requests, isEnd: this.#isEnd, refusal: null };
      }
      const isShort = scan.kind === "malformed" && scan.message === TOO_SHORT;
      if (isShort && !this.#isEnd && this.#rest.length <= LIMITS.watchRequestBytesMax) {
        return { requests, isEnd: false, refusal: null };
      }
      if (isShort && !this.#isEnd) {
        return { requests, isEnd: false, refusal: aboveReceiveLimit(this.#rest.length) };
      }
      // A number may go on in the next chunk; as a request it is refused anyway.
      const request = readJsonRequest(this.#schema, this.#rest);
      if (!request.ok) {
        // On streams etcd has one code for whatever cannot be read.
        const { message } = unreadableRequest(request.error);
        return { requests, isEnd: false, refusal: refused(GRPC_CODE.unknown, message) };
      }
      requests.push(request.value);
      this.#rest = this.#rest.subarray(scan.kind === "value" ? scan.end : this.#rest.length);
    }
    return { requests, isEnd: false, refusal: null };
  }
}
