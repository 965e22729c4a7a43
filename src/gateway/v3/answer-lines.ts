/** Answers of a stream as lines of JSON, one message a chunk. */
import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { GRPC_CODE } from "../../wire/errors.ts";
import { utf8 } from "../../wire/text.ts";
import type { GatewayEnv } from "../services.ts";
import { Outlet } from "../watch/outlet.ts";
import type { V3Outcome } from "./call.ts";
import { refused, streamError } from "./refusal.ts";
import { STREAM_HEADERS } from "./stream-headers.ts";

/**
 * Sends what `answers` yields, for as long as somebody listens. As in etcd a refusal ends the stream
 * and is not told, unless it was chance: then the client should know that coming again may help.
 */
export function answerLines<Answer extends DescMessage>(
  c: Context<GatewayEnv>,
  schema: Answer,
  answers: (signal: AbortSignal) => AsyncIterable<V3Outcome<MessageShape<Answer>>>,
): Response {
  const gone = new AbortController();
  const outlet = new Outlet(() => gone.abort());
  const send = async (): Promise<void> => {
    for await (const outcome of answers(gone.signal)) {
      if (outcome.kind === "answered") {
        const json = toJsonString(schema, outcome.message, { useProtoFieldName: true });
        await outlet.send(utf8(`{"result":${json}}\n`));
      } else if (outcome.isTransient) {
        await outlet.send(utf8(`${streamError(outcome)}\n`));
      }
    }
  };
  send()
    .catch((error: unknown) => {
      console.error(error);
      const refusal = refused(GRPC_CODE.internal, "an unexpected error; the log of the Worker has it");
      return outlet.send(utf8(`${streamError(refusal)}\n`));
    })
    .finally(() => outlet.close());
  return c.body(outlet.body, 200, STREAM_HEADERS);
}
