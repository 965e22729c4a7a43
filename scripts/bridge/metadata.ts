/** Which of a client's metadata goes on to the gateway. */

import { createContextKey, type HandlerContext } from "@connectrpc/connect";

/** Under which URL the client knows the bridge: members of a list are then said to be there. */
export const CLIENT_URL_HEADER = "x-edged-client-url";
export const CLIENT_URL = createContextKey("");

export type Caller = Pick<HandlerContext, "requestHeader" | "values">;

/** The connection's own, and what the call's framing says. */
const HOP_BY_HOP = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);
const FRAMING = /^(?:grpc-|connect-|:)/;

/**
 * The headers of a request to the gateway. The deployment's token, where there is one, takes the
 * place of `authorization`; etcd's own token then travels as `token`.
 */
export function forwardedHeaders({ requestHeader, values }: Caller, apiToken: string | null): Headers {
  const headers = new Headers();
  for (const [name, value] of requestHeader) {
    if (!HOP_BY_HOP.has(name) && !FRAMING.test(name)) headers.append(name, value);
  }
  const clientUrl = values.get(CLIENT_URL);
  if (clientUrl !== "") headers.set(CLIENT_URL_HEADER, clientUrl);
  if (apiToken === null) return headers;
  const authorization = headers.get("authorization");
  if (authorization !== null && !headers.has("token")) headers.set("token", authorization);
  headers.set("authorization", `Bearer ${apiToken}`);
  return headers;
}
