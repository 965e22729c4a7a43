/** A gateway in this process that does what a test wants, over real HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

export class FakeGateway implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(
    routes: (router: ConnectRouter) => void,
    fallback: (request: IncomingMessage, response: ServerResponse) => unknown = (_request, response) =>
      response.writeHead(404).end(),
  ): Promise<FakeGateway> {
    const handle = connectNodeAdapter({
      routes,
      grpc: false,
      acceptCompression: [],
      fallback: (request, response) => fallback(request as IncomingMessage, response as ServerResponse),
    });
    const server = createServer((request, response) => {
      // As a gateway from before there were sessions.
      if (request.url === "/session") response.writeHead(404).end();
      else handle(request, response);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return new FakeGateway(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }
}
