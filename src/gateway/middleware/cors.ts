import { cors as connect } from "@connectrpc/connect";
import { createMiddleware } from "hono/factory";
import { rawPath } from "../key-path.ts";
import type { GatewayEnv } from "../services.ts";

const ETCD_HEADERS = "accept, content-type, authorization";
const OWN_HEADERS = `${ETCD_HEADERS}, if-match, if-none-match, idempotency-key, x-edged-replica`;
/** gRPC-web's and Connect's own, and users' tokens as metadata. */
const RPC_HEADERS = `${connect.allowedHeaders.join(", ")}, authorization, token, idempotency-key, x-edged-replica`;
const RPC_PATH = /\/(?:etcdserverpb|v3lockpb|v3electionpb)\.[A-Za-z]+\//;
const EXPOSED =
  "ETag, Retry-After, X-Edged-Revision, X-Edged-Term, X-Edged-Replica, X-Edged-Leader, X-Edged-Version, X-Edged-Create-Revision";

const ORIGINS_AND_METHODS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
} as const;

/**
 * What the answer to `request` tells browsers. etcd says it to everybody; everywhere else only a browser
 * that asks for another site's page is told, for these are half of what a short answer costs.
 */
export function corsHeaders(request: Request): Readonly<Record<string, string>> {
  const path = rawPath(request);
  const etcd = /\/v3(?:beta)?\//.test(path);
  if (etcd) return { ...ORIGINS_AND_METHODS, "Access-Control-Allow-Headers": ETCD_HEADERS };
  if (request.method !== "OPTIONS" && !request.headers.has("origin")) return {};
  const isRpc = RPC_PATH.test(path);
  return {
    ...ORIGINS_AND_METHODS,
    "Access-Control-Allow-Headers": isRpc ? RPC_HEADERS : OWN_HEADERS,
    "Access-Control-Expose-Headers": isRpc ? `${EXPOSED}, ${connect.exposedHeaders.join(", ")}` : EXPOSED,
  };
}

/** Open to all origins and `OPTIONS` answered everywhere, both as etcd does it. */
export const cors = createMiddleware<GatewayEnv>(async (c, next) => {
  const headers = corsHeaders(c.req.raw);
  if (c.req.method === "OPTIONS") return c.body(null, 200, headers);
  await next();
  // A WebSocket: its answer is the platform's, and no browser looks for these.
  if (c.res.status === 101) return;
  // `c.header` would make another response for each of them.
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
});
