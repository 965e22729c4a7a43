/** The Watch service: as a stream of JSON, one message a chunk, and as messages for other protocols. */
import { type Message, toJsonString } from "@bufbuild/protobuf";
import type { Context } from "hono";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import {
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { originHeaders } from "../answers.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { Outlet } from "../watch/outlet.ts";
import type { PullerEnd } from "../watch/puller.ts";
import { WatchSession } from "../watch/watch-session.ts";
import { WatchSource } from "../watch/watch-source.ts";
import type { V3Outcome } from "./call.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import { MessageOutlet } from "./message-outlet.ts";
import { MessageRequests } from "./message-requests.ts";
import { messagesOf, type StreamCall, type StreamMethod } from "./method.ts";
import {
  answerRefusal,
  refused,
  refusedFor,
  streamError,
  unansweredRequest,
  type V3Refusal,
} from "./refusal.ts";
import { type Incoming, RequestStream } from "./request-stream.ts";
import { STREAM_HEADERS } from "./stream-headers.ts";

export const WATCH_METHODS: Readonly<Record<string, StreamMethod>> = {
  watch: { kind: "stream", handle: watch, answers },
};

/** Where a stream's answers go. */
interface WatchSink {
  readonly isClosed: boolean;
  /** Resolves when there is room for more. */
  send(response: WatchResponse): Promise<void>;
  /** Ends the stream behind what was sent, with an error if there is one. */
  end(refusal: V3Refusal | null): void;
}

type Requests = Pick<RequestStream<typeof WatchRequestSchema>, "next">;

async function watch(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const timeoutMs = grpcTimeoutMs(c.req.raw.headers);
  if (!timeoutMs.ok) return answerRefusal(c, refused(GRPC_CODE.invalidArgument, timeoutMs.error));
  const requests = new RequestStream(WatchRequestSchema, c.req.raw.body);
  const first = await requests.next();
  // etcd's status line waits for the first message; a refusal must come before it.
  if (first.requests.length === 0 && first.refusal !== null) return answerRefusal(c, first.refusal);
  if (timeoutMs.value !== null && timeoutMs.value < 1) {
    return answerRefusal(c, refusedFor("deadlineExceeded"));
  }
  const source = sourceFor(c, services);
  const now = await source.now();
  if (now.kind === "failed") return answerRefusal(c, unansweredRequest(now, false));
  const outlet = new Outlet(() => stream.close());
  const stream = new WatchStream(services, source, now.header, {
    get isClosed() {
      return outlet.isClosed;
    },
    send: (response) => outlet.send(utf8(printMessage(response))),
    end: (refusal) => {
      if (refusal !== null) outlet.send(utf8(`${streamError(refusal)}\n`)).catch(() => undefined);
      outlet.close();
    },
  });
  stream.serve(requests, first, now.header);
  if (timeoutMs.value !== null) stream.endAfter(timeoutMs.value);
  return c.body(outlet.body, 200, { ...STREAM_HEADERS, ...originHeaders(now.header) });
}

/** The same for protocols of whole messages. */
async function* answers(call: StreamCall<Message>): AsyncGenerator<V3Outcome<WatchResponse>, void> {
  const { c, services, timeoutMs, signal } = call;
  const requests = new MessageRequests(messagesOf(WatchRequestSchema, call.requests));
  const first = await requests.next();
  const source = sourceFor(c, services);
  const now = await source.now();
  if (now.kind === "failed") {
    yield unansweredRequest(now, false);
    return;
  }
  const outlet = new MessageOutlet<V3Outcome<WatchResponse>>(() => stream.close());
  const stream = new WatchStream(services, source, now.header, {
    get isClosed() {
      return outlet.isClosed;
    },
    send: (message) => outlet.send({ kind: "answered", message, origin: now.header }),
    end: (refusal) => {
      if (refusal !== null) outlet.send(refusal).catch(() => undefined);
      outlet.close();
    },
  });
  stream.serve(requests, first, now.header);
  if (timeoutMs !== null) stream.endAfter(timeoutMs);
  yield* outlet.messages(signal);
}

function sourceFor(c: Context<GatewayEnv>, services: Services): WatchSource {
  const choice = { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") };
  return new WatchSource(services.router, choice, services.entropy);
}

class WatchStream {
  readonly #services: Services;
  readonly #source: WatchSource;
  readonly #sink: WatchSink;
  readonly #session: WatchSession;

  constructor(services: Services, source: WatchSource, origin: ReplicaHeader, sink: WatchSink) {
    this.#services = services;
    this.#source = source;
    this.#sink = sink;
    this.#session = new WatchSession(
      {
        source,
        clock: services.clock,
        send: (response) => sink.send(response),
        ended: (end) => this.#ended(end),
      },
      origin,
    );
  }

  /** Goes on behind the answer, until either side ends the stream. */
  serve(requests: Requests, first: Incoming<WatchRequest>, now: ReplicaHeader): void {
    const broken = (error: unknown): void => {
      console.error(error);
      this.#end(refused(GRPC_CODE.internal, "an unexpected error; the log of the Worker has it"));
    };
    this.#session.run().catch(broken);
    this.#handleAll(requests, first, now).catch(broken);
  }

  endAfter(timeoutMs: number): void {
    this.#services.clock
      .sleep(timeoutMs)
      .then(() => this.#end(refusedFor("deadlineExceeded")))
      .catch(() => undefined);
  }

  /** Nobody takes answers any more. */
  close(): void {
    this.#session.close();
  }

  /** The end of the requests does not end the stream, and neither does what cannot be read. */
  async #handleAll(requests: Requests, first: Incoming<WatchRequest>, now: ReplicaHeader): Promise<void> {
    let header = now;
    for (let incoming = first; ; incoming = await requests.next()) {
      if (incoming !== first && incoming.requests.length > 0) {
        const later = await this.#source.now();
        if (later.kind === "failed") {
          this.#end(unansweredRequest(later, false));
          return;
        }
        header = later.header;
      }
      await this.#session.handle(incoming.requests, header);
      if (incoming.isEnd || incoming.refusal !== null || this.#sink.isClosed) return;
    }
  }

  #ended({ failure }: PullerEnd): void {
    this.#end(failure === null ? null : unansweredRequest(failure, false));
  }

  #end(refusal: V3Refusal | null): void {
    this.#sink.end(refusal);
    this.#session.close();
  }
}

function printMessage(response: WatchResponse): string {
  const json = toJsonString(WatchResponseSchema, response, { useProtoFieldName: true });
  return `{"result":${json}}\n`;
}
