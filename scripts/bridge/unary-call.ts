/** One call of a client, from its headers to its answer. */
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { ok, type Result } from "../../src/base/result.ts";
import { grpcTimeoutMs } from "../../src/gateway/v3/grpc-timeout.ts";
import {
  type Asked,
  type Begun,
  type CallRelay,
  type Failed,
  isNotBegun,
  isPutOff,
  isRefusedAsBusy,
  type Told,
} from "./call-relay.ts";
import { clientError } from "./failures.ts";
import { messageOf, readBody, sendError, sendMessage } from "./grpc-frames.ts";
import type { SessionWaiter } from "./session-connection.ts";
import type { SessionAnswer } from "./session-messages.ts";

const GONE = new ConnectError("the client has gone", Code.Canceled);
const LATE = new ConnectError("context deadline exceeded", Code.DeadlineExceeded);
const NO_TIMEOUT = ok(null);
/** Above it Node's timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface CallHead {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly isRead: boolean;
}

export class UnaryCall implements SessionWaiter {
  readonly #relay: CallRelay;
  readonly #stream: ServerHttp2Stream;
  readonly #head: CallHead;
  #asked: Asked | null = null;
  /** The attempt in a session that is under way. */
  #begun: Begun | null = null;
  /** Ends the attempts that need more than that; made when there is one. */
  #cancel: AbortController | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(relay: CallRelay, stream: ServerHttp2Stream, head: CallHead) {
    this.#relay = relay;
    this.#stream = stream;
    this.#head = head;
  }

  /** The client is answered in any case. */
  serve(): void {
    const stream = this.#stream;
    // Whatever breaks a stream before it is answered is told by `aborted` as well.
    stream.on("error", ignore);
    stream.on("aborted", () => this.#stop(GONE));
    const timeout = timeoutOf(this.#head.headers);
    if (!timeout.ok) {
      stream.resume();
      this.#fail(new ConnectError(timeout.error, Code.Internal));
      return;
    }
    const timeoutMs = timeout.value;
    if (timeoutMs !== null) {
      this.#timer = setTimeout(() => this.#stop(LATE), Math.min(timeoutMs, TIMER_MS_MAX));
    }
    readBody(stream, (body) => this.#read(body, timeoutMs));
  }

  /** By a session. */
  answered(answer: SessionAnswer): void {
    const begun = this.#leave();
    if (isPutOff(answer)) this.#askOn(null);
    else if (begun !== null && isRefusedAsBusy(answer)) {
      this.#askOn({ gateway: begun.gateway, error: new ConnectError(answer.message, Code.Unavailable) });
    } else this.#tell(() => this.#relay.told(answer));
  }

  /** By a session. */
  failed(error: unknown): void {
    const begun = this.#leave();
    this.#askOn(begun === null || isNotBegun(error) ? null : { gateway: begun.gateway, error });
  }

  #read(body: Buffer | ConnectError, timeoutMs: number | null): void {
    if (this.#isOver) return;
    try {
      if (body instanceof ConnectError) throw body;
      const message = messageOf(body, this.#head.headers);
      if (!(message instanceof Promise)) this.#ask(message, timeoutMs);
      else {
        message.then((whole) => this.#ask(whole, timeoutMs)).catch((error: unknown) => this.#fail(error));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #ask(message: Buffer, timeoutMs: number | null): void {
    if (this.#isOver) return;
    const { path, headers, isRead } = this.#head;
    const given = headers["idempotency-key"];
    // A write may be sent again although its first outcome is unknown: its key makes it happen once.
    const key = typeof given === "string" ? given : isRead ? null : randomUUID();
    this.#asked = { path, headers, message, key, timeoutMs };
    this.#begun = this.#relay.begin(this.#asked, this);
    if (this.#begun === null) this.#askOn(null);
  }

  #askOn(failed: Failed | null): void {
    if (this.#isOver || this.#asked === null) return;
    this.#cancel = new AbortController();
    this.#relay
      .ask(this.#asked, failed, this.#cancel.signal)
      .then((told) => this.#tell(() => told))
      .catch((error: unknown) => this.#fail(error));
  }

  /** Nobody waits for the attempt in a session any more. */
  #leave(): Begun | null {
    const begun = this.#begun;
    this.#begun = null;
    if (begun !== null) this.#relay.ended();
    return begun;
  }

  #stop(reason: ConnectError): void {
    if (this.#isOver) return;
    const begun = this.#leave();
    if (begun !== null) begun.session.cancel(begun.pending);
    this.#fail(reason);
    this.#cancel?.abort(reason);
  }

  /** `told` may throw what the client is told instead. */
  #tell(told: () => Told): void {
    if (this.#isOver) return;
    try {
      const { headers, bytes } = told();
      sendMessage(this.#stream, headers, bytes);
      this.#end();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    sendError(this.#stream, clientError(error));
  }

  #end(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

function ignore(): void {
  // Said where it is used.
}

/** The time that the client leaves, in milliseconds; the error is etcd's text. */
function timeoutOf(headers: IncomingHttpHeaders): Result<number | null, string> {
  const text = headers["grpc-timeout"];
  return typeof text === "string" ? grpcTimeoutMs({ get: () => text }) : NO_TIMEOUT;
}
