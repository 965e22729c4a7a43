/** Requests to a gateway over kept connections: the body known before it leaves, the answer whole. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createAsyncIterable, type UniversalClientFn } from "@connectrpc/connect/protocol";
import { Unreachable } from "./unreachable.ts";

/** Connections for calls with one answer. More calls than these wait for one: the gateway is busy then. */
const CALL_CONNECTIONS_MAX = 256;
/** Shorter than servers keep idle connections, so that they are rarely closed under a request. */
const IDLE_MS = 4_000;

export interface Agents {
  /** For calls with one answer. */
  readonly calls: HttpAgent | HttpsAgent;
  /** For streams, each of which has a connection for as long as it lasts. */
  readonly streams: HttpAgent | HttpsAgent;
}

export function createAgents(url: URL): Agents {
  const AgentOf = url.protocol === "https:" ? HttpsAgent : HttpAgent;
  return {
    calls: new AgentOf({
      keepAlive: true,
      maxSockets: CALL_CONNECTIONS_MAX,
      // The connection used last is the least likely to be closed.
      scheduling: "lifo",
      timeout: IDLE_MS,
    }),
    streams: new AgentOf({ keepAlive: true }),
  };
}

export function closeAgents({ calls, streams }: Agents): void {
  calls.destroy();
  streams.destroy();
}

export function requestTo(url: URL): typeof httpRequest {
  return url.protocol === "https:" ? httpsRequest : httpRequest;
}

/** For calls with one message each way: one write, and one chunk back. */
export function createCallClient(agents: Agents): UniversalClientFn {
  return async ({ url, method, header, body, signal }) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body ?? []) chunks.push(chunk);
    const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    const target = new URL(url);
    const headers = { ...Object.fromEntries(header), "content-length": bytes.length };
    const response = await new Promise<Answer>((answered, failed) => {
      const options = { method, headers, agent: agents.calls, ...(signal === undefined ? {} : { signal }) };
      const outgoing = requestTo(target)(target, options, (incoming) => {
        collect(incoming).then(answered, (error: unknown) => failed(new Unreachable(target.origin, error)));
      });
      outgoing.on("error", (error) => {
        if (signal?.aborted === true) failed(signal.reason instanceof Error ? signal.reason : error);
        else failed(new Unreachable(target.origin, error));
      });
      outgoing.end(bytes);
    });
    if (isForeign(response)) throw new Unreachable(target.origin, `HTTP ${response.status}`);
    return { ...response, body: createAsyncIterable([response.bytes]), trailer: new Headers() };
  };
}

interface Answer {
  readonly status: number;
  readonly header: Headers;
  readonly bytes: Uint8Array;
}

/** Whether somebody between here and the gateway says that it cannot be had. */
function isForeign({ status, header }: Answer): boolean {
  return status >= 500 && header.get("content-type")?.startsWith("application/json") !== true;
}

async function collect(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const header = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) header.append(name, value);
  }
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  return { status: incoming.statusCode ?? 0, header, bytes };
}
