/** Calls with one answer, on to a gateway; on to the next one when it gives none. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { clientError, isUnreachable, isWorthRepeating } from "./failures.ts";
import type { Gateway } from "./gateway.ts";
import type { Gateways } from "./gateways.ts";
import { forwardedHeaders } from "./metadata.ts";

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
    const headers = forwardedHeaders(context, this.#apiToken);
    if (!READS.has(rpc.name) && !headers.has("idempotency-key")) {
      headers.set("idempotency-key", randomUUID());
    }
    let previous: Gateway | null = null;
    for (let attempt = 0; ; attempt += 1) {
      const gateway: Gateway = this.#gateways.pick(previous);
      previous = gateway;
      try {
        const timeoutMs = context.timeoutMs();
        const { message } = await gateway.calls.unary(rpc, context.signal, timeoutMs, headers, request);
        return message;
      } catch (error) {
        if (context.signal.aborted) throw clientError(error);
        if (isUnreachable(error)) this.#gateways.avoid(gateway);
        if (!(await isWorthRepeating(error, attempt, this.#gateways.count))) throw clientError(error);
      }
    }
  }
}
