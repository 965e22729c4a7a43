/** The Worker: the gateway answers HTTP, each object of class Replica is one member of one cluster. */
import type { Env } from "./durable/config.ts";
import { createGateway } from "./gateway/gateway.ts";

export { Replica } from "./durable/replica.ts";

/** One gateway an isolate and environment: it remembers who leads. */
let gateway: { readonly env: Env; readonly app: ReturnType<typeof createGateway> } | null = null;

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    if (gateway === null || gateway.env !== env) gateway = { env, app: createGateway(env) };
    return gateway.app.fetch(request, env, context);
  },
};
