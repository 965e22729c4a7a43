/** One port for HTTP/2 and HTTP/1.1, with or without TLS: what comes first on a connection decides. */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "./options.ts";

/** How every HTTP/2 connection begins; three bytes tell it from any HTTP/1.1 method. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const PREFACE_START = 3;
/** A connection that says nothing for so long is closed. */
const FIRST_BYTES_MS = 30_000;
/** HTTP/2's window for a stream, and for all streams of a connection: large messages need fewer rounds. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 8 * 1024 * 1024;
const SESSION_MEMORY_MB = 64;
/** Streams that end for themselves once the port closes. */
const CLOSE_GRACE_MS = 1_000;

export interface PortOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | null;
  readonly http1: RequestListener;
  /** Answers true if it serves a stream of HTTP/2: `http2` serves all others. */
  readonly takes: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;
  readonly http2: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

export class Port {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<{ close(): void }>();
  readonly #options: PortOptions;
  readonly #http1;
  readonly #http2;

  constructor(options: PortOptions) {
    this.#options = options;
    this.#http1 = createHttpServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, options.http1);
    this.#http2 = createHttp2Server({
      settings: { initialWindowSize: STREAM_WINDOW_BYTES },
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    // Requests and responses as objects cost as much as all else that is done for a short call: only
    // streams that nobody took get them, from a server that has no connections of its own.
    const objects = createHttp2Server(options.http2);
    this.#http2.on("stream", (stream, headers, ...more) => {
      if (!options.takes(stream, headers)) objects.emit("stream", stream, headers, ...more);
    });
    this.#http2.on("session", (session) => {
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      // A connection that breaks takes its streams along; there is nobody to tell.
      session.on("error", () => session.destroy());
    });
    this.#http2.setTimeout(0);
    this.#server = createListener(options.tls, (socket, protocol) => this.#accept(socket, protocol));
  }

  /** Resolves with the address once clients can connect. */
  listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((listening, failed) => {
      this.#server.once("error", failed);
      this.#server.listen(port, host, () => {
        this.#server.off("error", failed);
        const address = this.#server.address();
        if (address === null || typeof address === "string") failed(new Error("a port has an address"));
        else listening(address);
      });
    });
  }

  /** Takes no more connections and calls, lets those under way end, then cuts off the rest. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const session of this.#sessions) session.close();
    this.#http1.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket, protocol: string | null): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    if (protocol === "h2") this.#http2.emit("connection", socket);
    else if (protocol === "http/1.1") this.#http1.emit("connection", socket);
    else this.#sniff(socket);
  }

  #sniff(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
    socket.on("close", () => clearTimeout(timer));
    let seen = Buffer.alloc(0);
    const look = (): void => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      if (seen.length < PREFACE_START && PREFACE.subarray(0, seen.length).equals(seen)) return;
      clearTimeout(timer);
      socket.off("readable", look);
      socket.unshift(seen);
      const isHttp2 = seen.subarray(0, PREFACE_START).equals(PREFACE.subarray(0, PREFACE_START));
      (isHttp2 ? this.#http2 : this.#http1).emit("connection", socket);
    };
    socket.on("readable", look);
  }
}

type Accept = (socket: Socket, protocol: string | null) => void;

function createListener(tls: TlsOptions | null, accept: Accept): Server {
  if (tls === null) return createTcpServer((socket) => accept(socket, null));
  const server = createTlsServer({
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
    ALPNProtocols: ["h2", "http/1.1"],
    ...(tls.clientCa === null
      ? {}
      : { ca: readFileSync(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
  });
  server.on("secureConnection", (socket) => accept(socket, socket.alpnProtocol || null));
  // A failed handshake is the client's to notice.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}
