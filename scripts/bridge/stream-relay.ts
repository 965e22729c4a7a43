/** A stream of answers to one request, as the gateway sends them. */
import type { DescMessage, DescMethodServerStreaming, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { clientError, isWorthRepeating } from "./failures.ts";
import type { StreamCalls } from "./stream-calls.ts";

/** Begun again elsewhere only while nothing of it was told. */
export async function* relayStream<I extends DescMessage, O extends DescMessage>(
  streams: StreamCalls,
  rpc: DescMethodServerStreaming<I, O>,
  request: MessageShape<I>,
  context: HandlerContext,
): AsyncGenerator<MessageShape<O>, void> {
  for (let attempt = 0; ; attempt += 1) {
    let hasBegun = false;
    try {
      const answers = streams.open(rpc, createAsyncIterable([request]), context, context.signal);
      for await (const answer of answers) {
        hasBegun = true;
        yield answer;
      }
      return;
    } catch (error) {
      const isFinal = hasBegun || context.signal.aborted;
      if (isFinal || !(await isWorthRepeating(error, attempt, streams.gateways))) throw clientError(error);
    }
  }
}
