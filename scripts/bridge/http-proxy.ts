/**
 * HTTP/1.1 requests, and HTTP/2 ones that are no gRPC, go to the gateway as they are. A chunk of an
 * answer stays a chunk: some clients of `/v3/watch` take each for one message.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Gateways } from "./gateways.ts";
import { requestTo } from "./http-client.ts";
import { CLIENT_URL_HEADER, clientUrlOf } from "./metadata.ts";
import { isMetricsPath, ownMetrics } from "./own-metrics.ts";

type Incoming = IncomingMessage | Http2ServerRequest;

/** What the answers of both versions of HTTP can do. */
interface Outgoing {
  readonly headersSent: boolean;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  flushHeaders?(): void;
  write(chunk: Buffer): boolean;
  end(): unknown;
  end(text: string): unknown;
  on(event: "close", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
  destroy(): unknown;
}

/** Of one connection; the next one has its own. */
const HOP_BY_HOP = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const NOBODYS_TOKEN = "-";
const ETCDS_JSON = /^(?:\/clusters\/[^/]*)?\/v3(?:beta)?\//;

export class HttpProxy {
  readonly #gateways: Gateways;
  readonly #apiToken: string | null;
  readonly #scheme: string;

  constructor(gateways: Gateways, apiToken: string | null, scheme: string) {
    this.#gateways = gateways;
    this.#apiToken = apiToken;
    this.#scheme = scheme;
  }

  handle(incoming: Incoming, outgoing: Outgoing): void {
    const gateway = this.#gateways.pick();
    const base = gateway.target;
    const hasMore = incoming.method === "GET" && isMetricsPath(incoming.url ?? "");
    const request = requestTo(base)({
      protocol: base.protocol,
      hostname: base.hostname,
      port: base.port,
      path: gateway.basePath + (incoming.url ?? "/"),
      method: incoming.method ?? "GET",
      headers: this.#requestHeaders(incoming, base, hasMore),
      agent: gateway.agents.streams,
    });
    request.on("response", (response) => answer(response, outgoing, hasMore ? ownMetrics : null));
    request.on("error", (error) => {
      this.#gateways.avoid(gateway);
      refuse(outgoing, `${gateway.url} does not answer: ${error.message}`);
    });
    // The client has gone: the gateway need not go on.
    outgoing.on("close", () => request.destroy());
    incoming.on("error", () => request.destroy());
    incoming.pipe(request);
  }

  /** `asText`: something will be added to the answer, which must not be compressed then. */
  #requestHeaders(incoming: Incoming, base: URL, asText: boolean): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (!HOP_BY_HOP.has(name) && !name.startsWith(":")) headers[name] = value;
    }
    // A Worker is not told of an empty one, which etcd takes for a token that nobody has.
    if (headers["authorization"] === "" && ETCDS_JSON.test(incoming.url ?? ""))
      headers["grpc-metadata-authorization"] ??= NOBODYS_TOKEN;
    if (asText) headers["accept-encoding"] = "identity";
    headers["host"] = base.host;
    headers[CLIENT_URL_HEADER] = clientUrlOf(incoming.headers, this.#scheme);
    const isChunked = incoming.headers["transfer-encoding"] !== undefined;
    if (isChunked) headers["transfer-encoding"] = "chunked";
    if (this.#apiToken !== null) {
      if (headers["authorization"] !== undefined) headers["grpc-metadata-token"] ??= headers["authorization"];
      headers["authorization"] = `Bearer ${this.#apiToken}`;
    }
    return headers;
  }
}

/** `addition`: what follows an answer of status 200. */
function answer(response: IncomingMessage, outgoing: Outgoing, addition: (() => string) | null): void {
  const more = response.statusCode === 200 ? addition : null;
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(response.headersDistinct)) {
    if (more !== null && name === "content-length") continue;
    if (!HOP_BY_HOP.has(name)) headers[name] = value?.length === 1 ? value[0] : value;
  }
  outgoing.writeHead(response.statusCode ?? 502, headers);
  // A stream that is silent at first has begun all the same.
  outgoing.flushHeaders?.();
  response.on("data", (chunk: Buffer) => {
    if (outgoing.write(chunk)) return;
    response.pause();
    outgoing.once("drain", () => response.resume());
  });
  response.on("end", () => (more === null ? outgoing.end() : outgoing.end(more())));
  // Cut off in the middle: the client must not take it for the end.
  response.on("error", () => outgoing.destroy());
}

function refuse(outgoing: Outgoing, reason: string): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(503, { "content-type": "application/json", "retry-after": "1" });
  // etcd's form of an error, with gRPC's code for "unavailable".
  outgoing.end(JSON.stringify({ error: reason, message: reason, code: 14 }));
}
