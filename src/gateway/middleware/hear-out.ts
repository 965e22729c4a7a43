import { createMiddleware } from "hono/factory";
import { discardBody } from "../body.ts";
import type { GatewayEnv } from "../services.ts";

/**
 * Lets an answer wait until the body has come that it had no need of: a wrong token, path, method,
 * header or parameter is known before, and a deletion has no use for one. Bodies that are being read
 * are their readers' own, and so are those of streams that were not refused, which are answered while
 * they come.
 */
export const hearOut = createMiddleware<GatewayEnv>((c, next) => {
  const { method } = c.req.raw;
  return method === "GET" || method === "HEAD" ? next() : hearAfter(c.req.raw, () => c.res, next);
});

async function hearAfter(request: Request, answer: () => Response, next: () => Promise<void>): Promise<void> {
  await next();
  // What was read needs nothing more, not even a look at its stream, which costs making one.
  if (request.bodyUsed) return;
  const mayBeStream = request.method === "POST" && answer().status < 300;
  if (mayBeStream) return;
  if (request.body?.locked === false) await discardBody(request);
}
