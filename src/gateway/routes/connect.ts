/** etcd's services on gRPC's paths, as gRPC-web and Connect: `/etcdserverpb.KV/Range` and so on. */
import { createContextValues } from "@connectrpc/connect";
import {
  type UniversalHandler,
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { type Context, Hono } from "hono";
import { LIMITS } from "../../base/limits.ts";
import { readBody } from "../body.ts";
import { CARRIER, type Carrier, createRpcHandlers } from "../connect/handlers.ts";
import { refusalError } from "../connect/refusal-error.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { V3_METHODS } from "../v3/methods.ts";
import { aboveReceiveLimit } from "../v3/refusal.ts";

/** What gRPC-web puts before a message; Connect puts nothing before the only one. */
const FRAME_BYTES = 5;

/** The whole body of a call with one message. One that is too long fails when the handler reads it. */
async function wholeBody(request: Request): Promise<AsyncIterable<Uint8Array>> {
  const isFramed = request.headers.get("Content-Type")?.startsWith("application/grpc-web") === true;
  const frameBytes = isFramed ? FRAME_BYTES : 0;
  const body = await readBody(request, LIMITS.receiveBytesMax + frameBytes);
  const announced = Number(request.headers.get("Content-Length") ?? 0) - frameBytes;
  return (async function* () {
    if (body === null) throw refusalError(aboveReceiveLimit(Math.max(announced, LIMITS.receiveBytesMax + 1)));
    yield body;
  })();
}

async function answer(carrier: Carrier, handler: UniversalHandler): Promise<Response> {
  const request = carrier.c.req.raw;
  const universal =
    handler.method.methodKind === "unary"
      ? {
          httpVersion: "",
          method: request.method,
          url: request.url,
          header: request.headers,
          body: await wholeBody(request),
          signal: request.signal,
        }
      : universalServerRequestFromFetch(request, {});
  const contextValues = createContextValues().set(CARRIER, carrier);
  return universalServerResponseToFetch(await handler({ ...universal, contextValues }));
}

export function connectRoutes(
  services: Services,
  log: (message: string, error: unknown) => void,
): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  for (const [path, handler] of createRpcHandlers(services, V3_METHODS)) {
    app.all(path, (c: Context<GatewayEnv>) =>
      answer({ c, fail: (error) => log(`${path} failed`, error) }, handler),
    );
  }
  return app;
}
