/** etcd's services over gRPC-web and Connect: the same methods that the JSON API serves. */
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { createAsyncIterable, type UniversalHandler } from "@connectrpc/connect/protocol";
import type { Context } from "hono";
import { LIMITS } from "../../base/limits.ts";
import { originHeaders } from "../answers.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { StreamMethod, UnaryMethod, V3Method } from "../v3/method.ts";
import { openCall } from "../v3/open-call.ts";
import { refusalError } from "./refusal-error.ts";
import { RPCS } from "./rpc-names.ts";

/** The request that a call came with. */
export interface Carrier {
  readonly c: Context<GatewayEnv>;
  /** Told of errors that nobody expected; clients hear "internal error". */
  readonly fail: (error: unknown) => void;
}

/** Where handlers find the carrier of their call. */
export const CARRIER = createContextKey<Carrier | null>(null);

/** A handler for each RPC of etcd's services, by its path. Those without a method answer Unimplemented. */
export function createRpcHandlers(
  services: Services,
  methods: ReadonlyMap<string, V3Method>,
): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({
    // It needs trailers, which Workers do not have.
    grpc: false,
    // What is longer was refused before.
    readMaxBytes: 2 * LIMITS.receiveBytesMax,
    binaryOptions: { recursionLimit: LIMITS.messageDepthMax },
  });
  for (const { rpc, name } of RPCS) register(router, services, rpc, name, methods.get(name));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function register(
  router: ConnectRouter,
  services: Services,
  rpc: DescMethod,
  name: string,
  method: V3Method | undefined,
): void {
  if (isUnary(rpc) && method?.kind === "unary") {
    router.rpc(rpc, (request, context) =>
      watched(context, (c) => answerUnary(c, services, name, method, request, context)),
    );
    return;
  }
  if (method?.kind === "stream") {
    const serve = (requests: AsyncIterable<Message>, context: HandlerContext): AsyncIterable<Message> =>
      answerStream(services, name, method, requests, context);
    if (isBidirectional(rpc)) {
      router.rpc(rpc, serve);
      return;
    }
    if (isServerStreaming(rpc)) {
      router.rpc(rpc, (request, context) => serve(createAsyncIterable([request]), context));
      return;
    }
  }
  // The words of a gRPC server without the method.
  const text = `unknown method ${rpc.name} for service ${rpc.parent.typeName}`;
  const refuse = (): never => {
    throw new ConnectError(text, Code.Unimplemented);
  };
  if (isUnary(rpc)) router.rpc(rpc, refuse);
  else if (isServerStreaming(rpc)) router.rpc(rpc, refuse);
  else if (isBidirectional(rpc)) router.rpc(rpc, refuse);
}

function isUnary(rpc: DescMethod): rpc is DescMethodUnary {
  return rpc.methodKind === "unary";
}

function isServerStreaming(rpc: DescMethod): rpc is DescMethodServerStreaming {
  return rpc.methodKind === "server_streaming";
}

function isBidirectional(rpc: DescMethod): rpc is DescMethodBiDiStreaming {
  return rpc.methodKind === "bidi_streaming";
}

async function answerUnary(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  method: UnaryMethod,
  request: MessageShape<DescMethodUnary["input"]>,
  context: HandlerContext,
): Promise<MessageShape<DescMethodUnary["output"]>> {
  const call = await openCall(c, services, name, request, context.timeoutMs() ?? null);
  if (!call.ok) throw refusalError(call.error);
  const outcome = await method.serve(call.value);
  if (outcome.kind === "refused") throw refusalError(outcome);
  for (const [header, value] of Object.entries(originHeaders(outcome.origin))) {
    context.responseHeader.set(header, value);
  }
  return outcome.message;
}

async function* answerStream(
  services: Services,
  name: string,
  method: StreamMethod,
  requests: AsyncIterable<Message>,
  context: HandlerContext,
): AsyncGenerator<Message, void> {
  const { c, fail } = carrierOf(context);
  const { signal } = context;
  const timeoutMs = context.timeoutMs() ?? null;
  try {
    for await (const outcome of method.answers({ c, services, name, requests, timeoutMs, signal })) {
      if (outcome.kind === "refused") throw refusalError(outcome);
      yield outcome.message;
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) fail(error);
    throw error;
  }
}

/** Runs `serve` for the request that the call came with, and tells of errors that are no refusals. */
async function watched<Answer>(
  context: HandlerContext,
  serve: (c: Context<GatewayEnv>) => Promise<Answer>,
): Promise<Answer> {
  const carrier = carrierOf(context);
  try {
    return await serve(carrier.c);
  } catch (error) {
    if (!(error instanceof ConnectError)) carrier.fail(error);
    throw error;
  }
}

function carrierOf(context: HandlerContext): Carrier {
  const carrier = context.values.get(CARRIER);
  if (carrier === null) throw new ConnectError("the call has no carrier", Code.Internal);
  return carrier;
}
