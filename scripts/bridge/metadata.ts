/** Which of a client's metadata goes on to the gateway. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Under which URL the client knows the bridge: members of a list are then said to be there. */
export const CLIENT_URL_HEADER = "x-edged-client-url";

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
  CLIENT_URL_HEADER,
]);
const FRAMING = /^(?:grpc-|connect-|:)/;

/**
 * The headers of a request to the gateway. The deployment's token, where there is one, takes the
 * place of `authorization`; etcd's own token then travels as `token`.
 */
export function forwardedHeaders(
  metadata: IncomingHttpHeaders,
  clientUrl: string,
  apiToken: string | null,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!HOP_BY_HOP.has(name) && !FRAMING.test(name)) headers[name] = value;
  }
  if (clientUrl !== "") headers[CLIENT_URL_HEADER] = clientUrl;
  if (apiToken === null) return headers;
  if (headers["authorization"] !== undefined) headers["token"] ??= headers["authorization"];
  headers["authorization"] = `Bearer ${apiToken}`;
  return headers;
}

/** Where the client believes to be; empty if it does not say. */
export function clientUrlOf(headers: IncomingHttpHeaders, scheme: string): string {
  const host = headers[":authority"] ?? headers.host;
  return typeof host === "string" && host !== "" ? `${scheme}://${host}` : "";
}
