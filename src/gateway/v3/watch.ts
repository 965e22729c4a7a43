/** The Watch service as a stream of JSON, one message a chunk. */
import { toJsonString } from "@bufbuild/protobuf";
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
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import type { StreamMethod } from "./method.ts";
import {
  answerRefusal,
  refused,
  refusedFor,
  streamError,
  unansweredRequest,
  type V3Refusal,
} from "./refusal.ts";
import { type Incoming, RequestStream } from "./request-stream.ts";

export const WATCH_METHODS: Readonly<Record<string, StreamMethod>> = {
  watch: { kind: "stream", handle: watch },
};

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
  const choice = { cluster: c.get("cluster"), pin: c.get("pin") };
  const source = new WatchSource(services.router, choice, services.entropy);
  const now = await source.now();
  if (now.kind === "failed") return answerRefusal(c, unansweredRequest(now, false));
  const stream = new WatchStream(services, source, now.header);
  stream.serve(requests, first, now.header);
  if (timeoutMs.value !== null) stream.endAfter(timeoutMs.value);
  return c.body(stream.body, 200, {
    "Content-Type": "application/json",
    "Grpc-Metadata-Content-Type": "application/grpc",
    // Nothing on the way may wait for more before it lets this pass.
    "Cache-Control": "no-store",
    ...originHeaders(now.header),
  });
}

class WatchStream {
  readonly #services: Services;
  readonly #source: WatchSource;
  readonly #outlet: Outlet;
  readonly #session: WatchSession;

  constructor(services: Services, source: WatchSource, origin: ReplicaHeader) {
    this.#services = services;
    this.#source = source;
    this.#outlet = new Outlet(() => this.#session.close());
    this.#session = new WatchSession(
      {
        source,
        clock: services.clock,
        send: (response) => this.#outlet.send(utf8(printMessage(response))),
        ended: (end) => this.#ended(end),
      },
      origin,
    );
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#outlet.body;
  }

  /** Goes on behind the answer, until either side ends the stream. */
  serve(
    requests: RequestStream<typeof WatchRequestSchema>,
    first: Incoming<WatchRequest>,
    now: ReplicaHeader,
  ): void {
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

  /** The end of the requests does not end the stream, and neither does what cannot be read. */
  async #handleAll(
    requests: RequestStream<typeof WatchRequestSchema>,
    first: Incoming<WatchRequest>,
    now: ReplicaHeader,
  ): Promise<void> {
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
      if (incoming.isEnd || incoming.refusal !== null || this.#outlet.isClosed) return;
    }
  }

  #ended({ failure }: PullerEnd): void {
    this.#end(failure === null ? null : unansweredRequest(failure, false));
  }

  #end(refusal: V3Refusal | null): void {
    if (refusal !== null) this.#outlet.send(utf8(`${streamError(refusal)}\n`)).catch(() => undefined);
    this.#outlet.close();
    this.#session.close();
  }
}

function printMessage(response: WatchResponse): string {
  const json = toJsonString(WatchResponseSchema, response, { useProtoFieldName: true });
  return `{"result":${json}}\n`;
}
