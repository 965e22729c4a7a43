import type { Transport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type Agents, closeAgents, createAgents, createCallClient } from "./http-client.ts";

/** Answers of the store end far below; a snapshot comes in pieces. */
const READ_BYTES_MAX = 64 * 1024 * 1024;
const WRITE_BYTES_MAX = 64 * 1024 * 1024;

/** One gateway, and the connections to it. */
export class Gateway {
  /** Without a slash at its end. */
  readonly url: string;
  readonly agents: Agents;
  /** For calls with one answer. */
  readonly calls: Transport;
  readonly streams: Transport;

  constructor(url: string) {
    this.url = url;
    this.agents = createAgents(new URL(url));
    const limits = { readMaxBytes: READ_BYTES_MAX, writeMaxBytes: WRITE_BYTES_MAX };
    this.calls = createTransport({
      httpClient: createCallClient(this.agents),
      baseUrl: url,
      useBinaryFormat: true,
      interceptors: [],
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: WRITE_BYTES_MAX,
      ...limits,
    });
    this.streams = createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      nodeOptions: { agent: this.agents.streams },
      acceptCompression: [],
      ...limits,
    });
  }

  close(): void {
    closeAgents(this.agents);
  }
}
