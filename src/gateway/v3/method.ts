/** Methods of etcd's services as the gateway serves them, whatever protocol asks for them. */
import { type DescMessage, isMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { assert } from "../../base/assert.ts";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import type { V3Refusal } from "./refusal.ts";

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
  /** Its answer may take as long as the client waits: `Client.waits` is told when that begins. */
  readonly mayWait?: boolean;
  /** Answers in JSON without ever having the whole answer. */
  print?(call: V3Call<MessageShape<Request>>): Promise<Printed | V3Refusal>;
}

/** An answer as JSON, perhaps yet to come. */
export interface Printed {
  readonly kind: "printed";
  readonly body: string | ReadableStream<Uint8Array>;
  readonly origin: ReplicaHeader;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A stream in a protocol that hands over whole messages. */
export interface StreamCall<Request> {
  readonly c: Context<GatewayEnv>;
  readonly services: Services;
  /** The method's path below `/v3/`. */
  readonly name: string;
  readonly requests: AsyncIterable<Request>;
  readonly timeoutMs: number | null;
  /** Nobody wants the answers any more. */
  readonly signal: AbortSignal;
}

export interface StreamMethod {
  readonly kind: "stream";
  /** Answers with a stream of JSON messages. `name` is the path below `/v3/`. */
  handle(c: Context<GatewayEnv>, services: Services, name: string): Promise<Response>;
  /** The same in messages; nothing follows a refusal. */
  answers(call: StreamCall<Message>): AsyncIterable<V3Outcome<Message>>;
}

export type V3Method = UnaryMethod | StreamMethod;

export function unary<Request extends DescMessage, Answer extends DescMessage>(
  request: Request,
  answer: Answer,
  serve: (call: V3Call<MessageShape<Request>>) => Promise<V3Outcome<MessageShape<Answer>>>,
): UnaryMethod<Request, Answer> {
  return { kind: "unary", request, answer, serve };
}

/** The requests of a call, which are what its method's descriptor says. */
export async function* messagesOf<Desc extends DescMessage>(
  schema: Desc,
  requests: AsyncIterable<Message>,
): AsyncGenerator<MessageShape<Desc>, void> {
  for await (const request of requests) {
    assert(isMessage(request, schema), `a ${schema.typeName} was expected, not a ${request.$typeName}`);
    yield request;
  }
}
