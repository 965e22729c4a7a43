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

/** What the plain dialect's answers say. */
export const PLAIN_CORS = {
  ...ORIGINS_AND_METHODS,
  "Access-Control-Allow-Headers": OWN_HEADERS,
  "Access-Control-Expose-Headers": EXPOSED,
} as const;

/** Open to all origins and `OPTIONS` answered everywhere, both as etcd does it. */
export const cors = createMiddleware<GatewayEnv>(async (c, next) => {
  const etcd = /\/v3(?:beta)?\//.test(rawPath(c.req.raw));
  const isRpc = RPC_PATH.test(rawPath(c.req.raw));
  const exposed = isRpc ? `${EXPOSED}, ${connect.exposedHeaders.join(", ")}` : EXPOSED;
  const headers: Readonly<Record<string, string>> = {
    ...ORIGINS_AND_METHODS,
    "Access-Control-Allow-Headers": isRpc ? RPC_HEADERS : etcd ? ETCD_HEADERS : OWN_HEADERS,
    ...(etcd ? {} : { "Access-Control-Expose-Headers": exposed }),
  };
  if (c.req.method === "OPTIONS") return c.body(null, 200, headers);
  await next();
  // A WebSocket: its answer is the platform's, and no browser looks for these.
  if (c.res.status === 101) return;
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
});
