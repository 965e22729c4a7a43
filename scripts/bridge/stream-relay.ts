/** A stream of answers to one request, as the gateway sends them. */
import type { DescMethodServerStreaming, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { clientError, isWorthRepeating } from "./failures.ts";
import type { StreamCalls } from "./stream-calls.ts";

type Message = MessageShape<DescMethodServerStreaming["output"]>;

/** Begun again elsewhere only while nothing of it was told. */
export async function* relayStream(
  streams: StreamCalls,
  rpc: DescMethodServerStreaming,
  request: MessageShape<DescMethodServerStreaming["input"]>,
  context: HandlerContext,
): AsyncGenerator<Message, void> {
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
