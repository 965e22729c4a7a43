/** Methods of etcd's services as the gateway serves them, whatever protocol asks for them. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Context } from "hono";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call, V3Outcome } from "./call.ts";

/** One request, one answer. */
export interface UnaryMethod<
  Request extends DescMessage = DescMessage,
  Answer extends DescMessage = DescMessage,
> {
  readonly kind: "unary";
  readonly request: Request;
  readonly answer: Answer;
  // A method, so that methods of all kinds fit into one table.
  serve(call: V3Call<MessageShape<Request>>): Promise<V3Outcome<MessageShape<Answer>>>;
}

/** Answers with a stream of JSON messages. `name` is the path below `/v3/`. */
export interface StreamMethod {
  readonly kind: "stream";
  handle(c: Context<GatewayEnv>, services: Services, name: string): Promise<Response>;
}

export type V3Method = UnaryMethod | StreamMethod;

export function unary<Request extends DescMessage, Answer extends DescMessage>(
  request: Request,
  answer: Answer,
  serve: (call: V3Call<MessageShape<Request>>) => Promise<V3Outcome<MessageShape<Answer>>>,
): UnaryMethod<Request, Answer> {
  return { kind: "unary", request, answer, serve };
}
