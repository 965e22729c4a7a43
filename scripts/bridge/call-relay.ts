/** The ways of calls to gateways: in a session where there are any, else as requests of their own. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { isUnreachable, isWorthRepeating } from "./failures.ts";
import type { Gateway } from "./gateway.ts";
import type { Gateways } from "./gateways.ts";
import { GRPC_HEADERS } from "./grpc-frames.ts";
import { type Answer, post } from "./http-client.ts";
import { CLIENT_URL_HEADER, clientUrlOf, forwardedHeaders } from "./metadata.ts";
import { OriginHeaders } from "./origin-headers.ts";
import type { PendingCall, SessionConnection, SessionWaiter } from "./session-connection.ts";
import { SessionEnded } from "./session-errors.ts";
import { type SessionAnswer, type SessionCall, wholeMs } from "./session-messages.ts";
import { Unreachable } from "./unreachable.ts";

/** Calls that wait for as long as their clients do: no session serves them. */
const MAY_LAST = new Set(["/v3lockpb.Lock/Lock", "/v3electionpb.Election/Campaign"]);

/** What a gateway looks at besides the message. */
const METADATA: readonly string[] = ["token", "x-edged-replica"];

/** What a client asks. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly message: Buffer;
  /** Under which a write may be repeated; null for what changes nothing. */
  readonly key: string | null;
  readonly timeoutMs: number | null;
}

/** What a client is told. */
export interface Told {
  /** The whole of an answer's headers. */
  readonly headers: OutgoingHttpHeaders;
  readonly bytes: Uint8Array;
}

/** An attempt that failed. */
export interface Failed {
  readonly gateway: Gateway;
  readonly error: unknown;
}

export interface Begun {
  readonly gateway: Gateway;
  readonly session: SessionConnection;
  readonly pending: PendingCall;
}

export interface CallRelayOptions {
  readonly gateways: Gateways;
  readonly apiToken: string | null;
  /** http or https: how clients reach the bridge. */
  readonly scheme: string;
}

export class CallRelay {
  readonly #gateways: Gateways;
  readonly #apiToken: string | null;
  readonly #scheme: string;
  readonly #origins = new OriginHeaders();

  constructor({ gateways, apiToken, scheme }: CallRelayOptions) {
    this.#gateways = gateways;
    this.#apiToken = apiToken;
    this.#scheme = scheme;
  }

  /**
   * The way of nearly all calls, without promises and signals: one attempt in a session that is open.
   * Null if there is none. `ended` has to be called when nobody waits for it any more.
   */
  begin(asked: Asked, waiter: SessionWaiter): Begun | null {
    const gateway = this.#gateways.pick();
    const session = MAY_LAST.has(asked.path) ? null : gateway.sessions.ready(asked.message.length);
    if (session === null) return null;
    this.#gateways.began();
    return { gateway, session, pending: session.begin(this.#sessionCall(asked), waiter) };
  }

  ended(): void {
    this.#gateways.left();
  }

  /** The way of all others: attempts after `failed` until one is answered. Rejects with the signal's reason. */
  async ask(asked: Asked, failed: Failed | null, signal: AbortSignal): Promise<Told> {
    if (failed !== null) await this.#judge(failed, 0);
    let previous: Gateway | null = failed?.gateway ?? null;
    for (let attempt = failed === null ? 0 : 1; ; attempt += 1) {
      const gateway: Gateway = this.#gateways.pick(previous);
      previous = gateway;
      const waiting = this.#gateways.waitFor(gateway, signal);
      try {
        signal.throwIfAborted();
        return await this.#askOne(gateway, asked, waiting.signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        await this.#judge({ gateway, error }, attempt);
      } finally {
        waiting.left();
      }
    }
  }

  /** Throws the error unless another attempt is worth it. */
  async #judge({ gateway, error }: Failed, attempt: number): Promise<void> {
    if (isUnreachable(error)) this.#gateways.avoid(gateway);
    if (!(await isWorthRepeating(error, attempt, this.#gateways.count))) throw error;
  }

  /** Throws the error if the answer is one. */
  told({ code, message, response, origin }: SessionAnswer): Told {
    // gRPC's codes are Connect's.
    if (code !== 0) throw new ConnectError(message, code as Code);
    return { headers: this.#origins.of(origin), bytes: response };
  }

  async #askOne(gateway: Gateway, asked: Asked, signal: AbortSignal): Promise<Told> {
    if (gateway.sessions.areOffered && !MAY_LAST.has(asked.path)) {
      const answer = await gateway.sessions.call(this.#sessionCall(asked), signal);
      if (answer !== null) return this.told(answer);
    }
    const { target, agents, basePath } = gateway;
    const path = basePath + asked.path;
    const headers = this.#requestHeaders(asked);
    const answer = checked(gateway, await post(target, agents, path, headers, asked.message, signal));
    return { headers: { ...GRPC_HEADERS, ...ownHeaders(answer) }, bytes: answer.bytes };
  }

  #requestHeaders({ headers, key, timeoutMs }: Asked): OutgoingHttpHeaders {
    const all = forwardedHeaders(headers, clientUrlOf(headers, this.#scheme), this.#apiToken);
    if (key !== null) all["idempotency-key"] = key;
    if (timeoutMs !== null) all["connect-timeout-ms"] = String(wholeMs(timeoutMs));
    all["content-type"] = "application/proto";
    all["connect-protocol-version"] = "1";
    return all;
  }

  /** Of a call's headers those that the gateway looks at; the deployment's token came with the session. */
  #sessionCall({ path, headers, message, key, timeoutMs }: Asked): SessionCall {
    const metadata: Record<string, string> = {};
    for (const name of METADATA) {
      const value = headers[name];
      if (typeof value === "string") metadata[name] = value;
    }
    const { authorization } = headers;
    if (authorization !== undefined) {
      // With a token of the deployment etcd's own travels as `token`.
      if (this.#apiToken === null) metadata["authorization"] = authorization;
      else metadata["token"] ??= authorization;
    }
    const clientUrl = clientUrlOf(headers, this.#scheme);
    if (clientUrl !== "") metadata[CLIENT_URL_HEADER] = clientUrl;
    if (key !== null) metadata["idempotency-key"] = key;
    return { path, request: message, metadata, timeoutMs };
  }
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

/** Whether a session's answer says that the call belongs into another session. */
export function isPutOff({ code, notBegun }: SessionAnswer): boolean {
  return notBegun && code === Code.Unavailable;
}

/** Whether another gateway may do better. */
export function isRefusedAsBusy({ code }: SessionAnswer): boolean {
  return code === Code.Unavailable;
}

/** Whether a call that failed was certainly not begun by the gateway. */
export function isNotBegun(error: unknown): boolean {
  return error instanceof SessionEnded;
}

/** Where the answer comes from, as edged tells it. */
function ownHeaders({ headers }: Answer): OutgoingHttpHeaders {
  const own: OutgoingHttpHeaders = {};
  for (const name in headers) if (name.startsWith("x-edged-")) own[name] = headers[name];
  return own;
}
