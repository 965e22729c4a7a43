import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type Agents, closeAgents, createAgents } from "./http-client.ts";

/** Messages of streams: a snapshot comes in pieces, a watch in messages of a few MiB. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** One gateway, and the connections to it. */
export class Gateway {
  /** Without a slash at its end. */
  readonly url: string;
  readonly target: URL;
  /** What its paths begin with. */
  readonly basePath: string;
  readonly agents: Agents;
  readonly streams: Transport;

  constructor(url: string) {
    this.url = url;
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

  close(): void {
    closeAgents(this.agents);
  }
}
