/** The Worker: the gateway answers HTTP, each object of class Replica is one member of one cluster. */
import type { Env } from "./durable/config.ts";
import type { Gateway } from "./gateway/app.ts";
import { createGateway } from "./gateway/gateway.ts";

export { Replica } from "./durable/replica.ts";

/** One gateway an isolate and environment: it remembers who leads. */
let known: { readonly env: Env; readonly gateway: Gateway } | null = null;

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    if (known === null || known.env !== env) known = { env, gateway: createGateway(env) };
    return known.gateway.fetch(request, env, context);
  },
};
