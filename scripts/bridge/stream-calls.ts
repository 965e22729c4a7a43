/** Streams of a gateway's answers, and the errors that they end with. */
import type { DescMessage, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Gateways } from "./gateways.ts";
import { forwardedHeaders } from "./metadata.ts";

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
    const headers = forwardedHeaders(context, this.#apiToken);
    try {
      const response = await gateway.streams.stream(rpc, signal, context.timeoutMs(), headers, requests);
      yield* response.message;
    } catch (error) {
      if (!signal.aborted && isBroken(error)) this.#gateways.avoid(gateway);
      throw error;
    }
  }
}

/** Whether the connection failed, rather than what was asked. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return true;
  return error.code === Code.Unavailable || error.code === Code.Aborted || error.code === Code.Unknown;
}
