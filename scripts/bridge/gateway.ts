import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type Agents, closeAgents, createAgents } from "./http-client.ts";
import { Sessions } from "./sessions.ts";
import { Unreachable } from "./unreachable.ts";

/** Messages of streams: a snapshot comes in pieces, a watch in messages of a few MiB. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

export interface GatewayOptions {
  /** The deployment's API_TOKEN. */
  readonly apiToken: string | null;
  /** Sessions at a time; 0: each call is a request. */
  readonly sessionsMax: number;
}

/** One gateway, and the connections to it. */
export class Gateway {
  /** Without a slash at its end. */
  readonly url: string;
  readonly target: URL;
  /** What its paths begin with. */
  readonly basePath: string;
  readonly agents: Agents;
  readonly streams: Transport;
  /** For short calls. */
  readonly sessions: Sessions;
  #silence = new AbortController();
  #isProbed = false;

  constructor(url: string, { apiToken, sessionsMax }: GatewayOptions) {
    this.url = url;
    const headers = apiToken === null ? {} : { authorization: `Bearer ${apiToken}` };
    this.sessions = new Sessions({ url, headers, countMax: sessionsMax });
    this.target = new URL(url);
    this.basePath = this.target.pathname.replace(/\/$/, "");
    this.agents = createAgents(this.target);
    this.streams = createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      nodeOptions: { agent: this.agents.streams },
      acceptCompression: [],
      readMaxBytes: MESSAGE_BYTES_MAX,
      writeMaxBytes: MESSAGE_BYTES_MAX,
    });
  }

  /** It did not even say that it is there when it was asked last. */
  get isSilent(): boolean {
    return this.#silence.signal.aborted;
  }

  /** Aborts with `Unreachable` when it falls silent. */
  get silence(): AbortSignal {
    return this.#silence.signal;
  }

  /** Asks whether it is there. No replica is asked, so one that sleeps goes on sleeping. */
  async probe(timeoutMs: number): Promise<void> {
    if (this.#isProbed) return;
    this.#isProbed = true;
    try {
      const response = await fetch(`${this.url}/livez`, { signal: AbortSignal.timeout(timeoutMs) });
      await response.arrayBuffer();
      if (this.isSilent) this.#silence = new AbortController();
    } catch (error) {
      if (!this.isSilent) {
        const reason = new Unreachable(this.target.origin, error);
        this.#silence.abort(reason);
        this.sessions.abandon(reason);
      }
    } finally {
      this.#isProbed = false;
    }
  }

  close(): void {
    this.sessions.close();
    closeAgents(this.agents);
  }
}
