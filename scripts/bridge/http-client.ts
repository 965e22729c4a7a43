/** Requests to a gateway over kept connections: the body known before it leaves, the answer whole. */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Unreachable } from "./unreachable.ts";

/** Connections for calls with one answer. More calls than these wait for one: the gateway is busy then. */
const CALL_CONNECTIONS_MAX = 256;

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

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** One request and its whole answer. Throws `Unreachable` without one, and the signal's reason when it aborts. */
export function post(
  url: URL,
  agents: Agents,
  path: string,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Answer> {
  const { protocol, hostname, port, origin } = url;
  const whole = { ...headers, "content-length": body.length };
  return new Promise((answered, failed) => {
    const fail = (error: unknown): void => {
      failed(signal.aborted ? signal.reason : new Unreachable(origin, error));
    };
    const options = { protocol, hostname, port, path, method: "POST", agent: agents.calls, headers: whole };
    const outgoing = requestTo(url)({ ...options, signal }, (incoming) => collect(incoming, answered, fail));
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

function collect(
  incoming: IncomingMessage,
  answered: (answer: Answer) => void,
  fail: (error: unknown) => void,
): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("error", fail);
  incoming.on("end", () => {
    const [first] = chunks;
    const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    answered({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes });
  });
}
