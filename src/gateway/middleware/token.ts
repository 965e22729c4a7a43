import { createMiddleware } from "hono/factory";
import type { Access } from "../../durable/config.ts";
import { isEtcdPath } from "../etcd-paths.ts";
import { rawPath } from "../key-path.ts";
import type { GatewayEnv } from "../services.ts";
import { tokenDigest } from "../sign-in-token.ts";
import { bearerProtocol } from "./bearer-protocol.ts";

/** gRPC's own paths, where metadata are headers. */
const RPC_PATH = /\/(?:etcdserverpb|v3lockpb|v3electionpb)\.[A-Za-z]+\//;
const BEARER = /^Bearer +/i;

/**
 * Notes the token of a signed-in user, as its digest. etcd's JSON takes it from `Authorization` as it
 * is, the plain dialect also as `Bearer TOKEN`. Where the deployment has an API_TOKEN, that header is
 * its own, and users' tokens come as `Grpc-Metadata-Token`, as etcd takes them too.
 */
export function readToken(access: Access): ReturnType<typeof createMiddleware<GatewayEnv>> {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const token = tokenOf(c.req.raw, access.kind !== "token");
    c.set("token", token === null ? null : await tokenDigest(token));
    return next();
  });
}

/** The first of the headers that is there counts: an empty one is a token that nobody has. */
function tokenOf(request: Request, mayAuthorize: boolean): string | null {
  const { headers } = request;
  const isRpc = RPC_PATH.test(rawPath(request));
  if (isRpc) return userTokenOf(headers, mayAuthorize);
  const authorization = mayAuthorize ? (headers.get("Authorization") ?? bearerProtocol(request)) : null;
  return (
    headers.get("Grpc-Metadata-Token") ??
    headers.get("Grpc-Metadata-Authorization") ??
    (isEtcdPath(request) ? authorization : (authorization?.replace(BEARER, "") ?? null))
  );
}

/** The token among an RPC's metadata. */
export function userTokenOf(metadata: Pick<Headers, "get">, mayAuthorize: boolean): string | null {
  return (
    metadata.get("token") ??
    metadata.get("grpc-metadata-token") ??
    metadata.get("grpc-metadata-authorization") ??
    (mayAuthorize ? metadata.get("authorization") : null)
  );
}
