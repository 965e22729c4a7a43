/** Streams of a gateway's answers, and the errors that they end with. */
import type { OutgoingHttpHeaders } from "node:http";
import type { DescMessage, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Gateways } from "./gateways.ts";
import { forwardedHeaders } from "./metadata.ts";
import { Unreachable } from "./unreachable.ts";

/** Under which URL the client knows the bridge. */
export const CLIENT_URL = createContextKey("");

export class StreamCalls {
  readonly #gateways: Gateways;
  readonly #apiToken: string | null;

  constructor(gateways: Gateways, apiToken: string | null) {
    this.#gateways = gateways;
    this.#apiToken = apiToken;
  }

  get gateways(): number {
    return this.#gateways.count;
  }

  /** One stream of the gateway that is best now; the client's metadata go along. */
  async *open<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    context: Pick<HandlerContext, "requestHeader" | "timeoutMs" | "values">,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>, void> {
    const gateway = this.#gateways.pick();
    const metadata = Object.fromEntries(context.requestHeader);
    const clientUrl = context.values.get(CLIENT_URL);
    const headers = forwardedHeaders(metadata, clientUrl, this.#apiToken);
    const waiting = this.#gateways.waitFor(gateway, signal);
    try {
      const timeoutMs = context.timeoutMs();
      const asked = headersOf(headers);
      const response = await gateway.streams.stream(rpc, waiting.signal, timeoutMs, asked, requests);
      yield* response.message;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isBroken(error) || waiting.signal.aborted) this.#gateways.avoid(gateway);
      const { reason } = waiting.signal;
      if (!(reason instanceof Unreachable)) throw error;
      throw new ConnectError(reason.message, Code.Unavailable, undefined, undefined, reason);
    } finally {
      waiting.left();
    }
  }
}

function headersOf(headers: OutgoingHttpHeaders): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, String(one));
  }
  return all;
}

/** Whether the connection failed, rather than what was asked. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return true;
  return error.code === Code.Unavailable || error.code === Code.Aborted || error.code === Code.Unknown;
}
