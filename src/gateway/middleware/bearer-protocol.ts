/** Browsers cannot send headers with a WebSocket, only names of subprotocols: one of them may be a token. */
const BEARER_PROTOCOL = /(?:^|,)\s*edged\.bearer\.([A-Za-z0-9_-]+)\s*(?:,|$)/;

/** The token in `edged.bearer.BASE64URL`, as a value of `Authorization`; null without one that can be read. */
export function bearerProtocol({ headers }: Request): string | null {
  if (headers.get("Upgrade")?.toLowerCase() !== "websocket") return null;
  const encoded = BEARER_PROTOCOL.exec(headers.get("Sec-WebSocket-Protocol") ?? "")?.[1];
  if (encoded === undefined) return null;
  try {
    return `Bearer ${atob(encoded.replaceAll("-", "+").replaceAll("_", "/"))}`;
  } catch {
    return null;
  }
}
