/** A client over HTTP/1.1: undici with one open connection and one request at a time (no pipelining). */
import { Client as Connection, type Dispatcher } from "undici";
import type { Client } from "./drive.ts";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly body: Buffer | null;
}

/** A request that gets no answer counts as failed after this. */
const TIMEOUT_MS = 30_000;

/** `requestOf` says what the n-th request is. */
export function httpClient(origin: string, requestOf: (n: number) => HttpRequest): Client {
  const connection = new Connection(origin, {
    pipelining: 1,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  return {
    call: (n) => send(connection, requestOf(n)),
    close: () => connection.destroy(),
  };
}

function send(connection: Connection, request: HttpRequest): Promise<boolean> {
  return new Promise((answered, failed) => {
    let status = 0;
    const handler: Dispatcher.DispatchHandler = {
      // Present, though empty: undici tells by these which kind of handler it is given.
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode) => {
        status = statusCode;
      },
      onResponseData: () => undefined,
      onResponseEnd: () => answered(status < 400),
      onResponseError: (_controller, error) => failed(error),
    };
    connection.dispatch(request, handler);
  });
}
