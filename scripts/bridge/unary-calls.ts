/** Calls with one answer, on to a gateway; on to the next one when it gives none. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Gateways } from "./gateways.ts";
import { forwardedHeaders } from "./metadata.ts";
import { Unreachable } from "./unreachable.ts";

type Request = MessageShape<DescMethodUnary["input"]>;
type Answer = MessageShape<DescMethodUnary["output"]>;

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

/** A gateway that restarts is back within this time, and nobody needs to know. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 100;

export interface UnaryCallsOptions {
  readonly gateways: Gateways;
  readonly apiToken: string | null;
}

export class UnaryCalls {
  readonly #gateways: Gateways;
  readonly #apiToken: string | null;

  constructor({ gateways, apiToken }: UnaryCallsOptions) {
    this.#gateways = gateways;
    this.#apiToken = apiToken;
  }

  /** A write may be sent again although its first outcome is unknown: its key makes it happen once. */
  async call(rpc: DescMethodUnary, request: Request, context: HandlerContext): Promise<Answer> {
    const headers = forwardedHeaders(context.requestHeader, this.#apiToken);
    if (!READS.has(rpc.name) && !headers.has("idempotency-key")) {
      headers.set("idempotency-key", randomUUID());
    }
    const giveUpMs = performance.now() + PATIENCE_MS;
    for (let attempt = 0; ; attempt += 1) {
      const gateway = this.#gateways.pick(attempt);
      try {
        const timeoutMs = context.timeoutMs();
        const { message } = await gateway.calls.unary(rpc, context.signal, timeoutMs, headers, request);
        return message;
      } catch (error) {
        const isLate = context.signal.aborted || performance.now() > giveUpMs;
        if (isLate || !isRetriable(error, attempt, this.#gateways.count)) throw clientError(error);
        if (unreachable(error) !== null) this.#gateways.avoid(gateway);
        // All were asked once, and one connection may just have been an old one.
        if (attempt >= this.#gateways.count) await sleep(PAUSE_MS);
      }
    }
  }
}

function unreachable(error: unknown): Unreachable | null {
  return error instanceof ConnectError && error.cause instanceof Unreachable ? error.cause : null;
}

/** Whether another gateway may do better, or the same one over a new connection or a moment later. */
function isRetriable(error: unknown, attempt: number, gateways: number): boolean {
  if (unreachable(error) !== null) return true;
  return error instanceof ConnectError && error.code === Code.Unavailable && attempt + 1 < gateways;
}

/** What the client is told: the gateway's words, or that there is no gateway. */
export function clientError(error: unknown): ConnectError {
  const cause = unreachable(error);
  if (cause !== null) return new ConnectError(cause.message, Code.Unavailable);
  if (!(error instanceof ConnectError)) return ConnectError.from(error);
  // The framing's headers of that answer are not for this one.
  return new ConnectError(error.rawMessage, error.code);
}
