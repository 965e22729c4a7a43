/** Who leads an election, as it changes; a stream that breaks goes on elsewhere. */
import type { MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { Election, type LeaderRequest } from "../../src/wire/gen/etcd/election_pb.ts";
import { clientError, isWorthRepeating } from "./failures.ts";
import type { StreamCalls } from "./stream-calls.ts";

type Answer = MessageShape<typeof Election.method.observe.output>;

/** A new stream begins with who leads now: told only if that has changed. */
export async function* observe(
  streams: StreamCalls,
  request: LeaderRequest,
  context: HandlerContext,
): AsyncGenerator<Answer, void> {
  const rpc = Election.method.observe;
  let told = 0n;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answers = streams.open(rpc, createAsyncIterable([request]), context, context.signal);
      for await (const answer of answers) {
        attempt = 0;
        const revision = answer.kv?.modRevision ?? 0n;
        if (revision > told) yield answer;
        if (revision > told) told = revision;
      }
      return;
    } catch (error) {
      if (context.signal.aborted || !(await isWorthRepeating(error, attempt, streams.gateways))) {
        throw clientError(error);
      }
    }
  }
}
