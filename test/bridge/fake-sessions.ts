/** A gateway's sessions as a test wants them, over real WebSockets. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type WebSocket, WebSocketServer } from "ws";
import { type FromClient, FromClientSchema, FromServerSchema } from "../../src/wire/gen/session_pb.ts";

export interface FakeSession {
  readonly socket: WebSocket;
  tell(message: MessageInitShape<typeof FromServerSchema>): void;
}

export const WELCOME = {
  callsMax: 8,
  requestBytesMax: 1024 * 1024,
  messageBytesMax: 64 * 1024,
  untakenBytesMax: 64 * 1024,
  idleMs: 60_000,
};

export class FakeSessions implements AsyncDisposable {
  readonly url: string;
  /** Those that were opened so far. */
  readonly opened: FakeSession[] = [];
  readonly #server: Server;
  #isSilent = false;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(
    received: (session: FakeSession, message: FromClient) => void,
    welcome: MessageInitShape<typeof FromServerSchema>["welcome"] = WELCOME,
  ): Promise<FakeSessions> {
    const server = createServer((_request, response) => {
      if (!sessions.#isSilent) response.writeHead(404).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const sessions = new FakeSessions(server);
    new WebSocketServer({ server, path: "/session" }).on("connection", (socket) => {
      const tell: FakeSession["tell"] = (message) =>
        socket.send(toBinary(FromServerSchema, create(FromServerSchema, message)));
      const session = { socket, tell };
      sessions.opened.push(session);
      socket.on("message", (data: Buffer) => received(session, fromBinary(FromClientSchema, data)));
      tell({ welcome });
    });
    return sessions;
  }

  /** Requests are not answered any more, as by a process that was stopped. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.opened) socket.terminate();
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }
}
