/**
 * Calls with one answer, on to a gateway; on to the next one when it gives none. Their messages pass
 * through as bytes, since gRPC's and Connect's are the same: most of what a bridge does is this.
 */
import { randomUUID } from "node:crypto";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { grpcTimeoutMs } from "../../src/gateway/v3/grpc-timeout.ts";
import type { Answer as SessionAnswer } from "../../src/wire/gen/session_pb.ts";
import { clientError, isUnreachable, isWorthRepeating } from "./failures.ts";
import type { Gateway } from "./gateway.ts";
import type { Gateways } from "./gateways.ts";
import { readMessage, sendError, sendMessage } from "./grpc-frames.ts";
import { type Answer, post } from "./http-client.ts";
import { CLIENT_URL_HEADER, clientUrlOf, forwardedHeaders } from "./metadata.ts";
import { Unreachable } from "./unreachable.ts";

/** Calls that change nothing need no key to be repeated. */
const READS = new Set([
  "Range",
  "LeaseTimeToLive",
  "LeaseLeases",
  "MemberList",
  "Status",
  "Hash",
  "HashKV",
  "AuthStatus",
  "UserGet",
  "UserList",
  "RoleGet",
  "RoleList",
  "Leader",
]);

/** Calls that wait for as long as their clients do: no session serves them. */
const MAY_LAST = new Set(["/v3lockpb.Lock/Lock", "/v3electionpb.Election/Campaign"]);

/** What a gateway looks at besides the message. */
const METADATA = [
  "token",
  "authorization",
  "grpc-metadata-token",
  "grpc-metadata-authorization",
  "idempotency-key",
  "x-edged-replica",
  CLIENT_URL_HEADER,
];

/** Whether a call needs a key, by its path. */
const CALLS: ReadonlyMap<string, { readonly isRead: boolean }> = new Map(
  RPCS.filter(({ rpc }) => rpc.methodKind === "unary").map(({ rpc }) => [
    `/${rpc.parent.typeName}/${rpc.name}`,
    { isRead: READS.has(rpc.name) },
  ]),
);

const GONE = new ConnectError("the client has gone", Code.Canceled);
const LATE = new ConnectError("context deadline exceeded", Code.DeadlineExceeded);

/** What a client is told. */
interface Told {
  readonly metadata: OutgoingHttpHeaders;
  readonly bytes: Buffer;
}

export interface UnaryCallsOptions {
  readonly gateways: Gateways;
  readonly apiToken: string | null;
  /** http or https: how clients reach the bridge. */
  readonly scheme: string;
}

export class UnaryCalls {
  readonly #gateways: Gateways;
  readonly #apiToken: string | null;
  readonly #scheme: string;

  constructor({ gateways, apiToken, scheme }: UnaryCallsOptions) {
    this.#gateways = gateways;
    this.#apiToken = apiToken;
    this.#scheme = scheme;
  }

  /** Whether this is such a call; if it is, it will be answered. */
  takes({ stream, headers }: Http2ServerRequest, response: Http2ServerResponse): boolean {
    const call = CALLS.get(headers[":path"] ?? "");
    if (call === undefined) return false;
    this.#serve(stream, headers, response, call.isRead).catch((error: unknown) => {
      sendError(response, clientError(error));
    });
    return true;
  }

  async #serve(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    response: Http2ServerResponse,
    isRead: boolean,
  ): Promise<void> {
    const cancel = new AbortController();
    const gone = (): void => cancel.abort(GONE);
    stream.once("close", gone);
    const timeoutMs = timeoutOf(headers);
    const timer = timeoutMs === null ? undefined : setTimeout(() => cancel.abort(LATE), timeoutMs);
    try {
      const message = await readMessage(stream, headers);
      const asked = forwardedHeaders(headers, clientUrlOf(headers, this.#scheme), this.#apiToken);
      // A write may be sent again although its first outcome is unknown: its key makes it happen once.
      if (!isRead) asked["idempotency-key"] ??= randomUUID();
      if (timeoutMs !== null) asked["connect-timeout-ms"] = String(Math.max(1, Math.floor(timeoutMs)));
      const { metadata, bytes } = await this.#ask(headers[":path"] ?? "", asked, message, cancel.signal);
      sendMessage(response, metadata, bytes);
    } finally {
      clearTimeout(timer);
      stream.off("close", gone);
    }
  }

  async #ask(
    path: string,
    headers: OutgoingHttpHeaders,
    message: Buffer,
    signal: AbortSignal,
  ): Promise<Told> {
    let previous: Gateway | null = null;
    for (let attempt = 0; ; attempt += 1) {
      const gateway: Gateway = this.#gateways.pick(previous);
      previous = gateway;
      const waiting = this.#gateways.waitFor(gateway, signal);
      try {
        signal.throwIfAborted();
        return await this.#askOne(gateway, path, headers, message, waiting.signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (isUnreachable(error)) this.#gateways.avoid(gateway);
        if (!(await isWorthRepeating(error, attempt, this.#gateways.count))) throw error;
      } finally {
        waiting.left();
      }
    }
  }

  /** In a session where there are any, else as a request of its own. */
  async #askOne(
    gateway: Gateway,
    path: string,
    headers: OutgoingHttpHeaders,
    message: Buffer,
    signal: AbortSignal,
  ): Promise<Told> {
    if (gateway.sessions.areOffered && !MAY_LAST.has(path)) {
      const timeout = headers["connect-timeout-ms"];
      const timeoutMs = timeout === undefined ? null : Number(timeout);
      const call = { path, request: message, metadata: this.#sessionMetadata(headers), timeoutMs };
      const answer = await gateway.sessions.call(call, signal);
      if (answer !== null) return sessionAnswer(answer);
    }
    const asked = { ...headers, "content-type": "application/proto", "connect-protocol-version": "1" };
    const { target, agents, basePath } = gateway;
    const answer = checked(gateway, await post(target, agents, basePath + path, asked, message, signal));
    return { metadata: ownHeaders(answer), bytes: answer.bytes };
  }

  /** Of a call's headers those that the gateway looks at; the deployment's token came with the session. */
  #sessionMetadata(headers: OutgoingHttpHeaders): Readonly<Record<string, string>> {
    const metadata: Record<string, string> = {};
    for (const name of METADATA) {
      const value = headers[name];
      if (typeof value === "string" && !(name === "authorization" && this.#apiToken !== null)) {
        metadata[name] = value;
      }
    }
    return metadata;
  }
}

/** The time that the client leaves, in milliseconds, or null. */
function timeoutOf(headers: IncomingHttpHeaders): number | null {
  const text = headers["grpc-timeout"];
  if (typeof text !== "string") return null;
  const timeout = grpcTimeoutMs(new Headers({ "Grpc-Timeout": text }));
  if (!timeout.ok) throw new ConnectError(timeout.error, Code.Internal);
  return timeout.value;
}

/** The answer if it is one, else its error is thrown. */
function checked(gateway: Gateway, answer: Answer): Answer {
  const type = answer.headers["content-type"] ?? "";
  if (answer.status === 200 && type.startsWith("application/proto")) return answer;
  if (answer.status >= 500 && !type.startsWith("application/json")) {
    // Somebody between here and the gateway says that it cannot be had.
    throw new Unreachable(gateway.target.origin, `HTTP ${answer.status}`);
  }
  const fallback = new ConnectError(`HTTP ${answer.status}`, codeFromHttpStatus(answer.status));
  throw errorFromJsonBytes(answer.bytes, undefined, fallback);
}

function sessionAnswer({ code, message, response, origin }: SessionAnswer): Told {
  // gRPC's codes are Connect's.
  if (code !== 0) throw new ConnectError(message, code as Code);
  const { buffer, byteOffset, length } = response;
  const bytes = Buffer.from(buffer, byteOffset, length);
  if (origin === undefined) return { metadata: {}, bytes };
  const { revision, term, replica, leader } = origin;
  const metadata = {
    "x-edged-revision": String(revision),
    "x-edged-term": String(term),
    "x-edged-replica": replica,
    ...(leader === "" ? {} : { "x-edged-leader": leader }),
  };
  return { metadata, bytes };
}

/** Where the answer comes from, as edged tells it. */
function ownHeaders({ headers }: Answer): OutgoingHttpHeaders {
  const own: OutgoingHttpHeaders = {};
  for (const name in headers) if (name.startsWith("x-edged-")) own[name] = headers[name];
  return own;
}
