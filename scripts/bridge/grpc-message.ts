/**
 * Texts of errors in gRPC's headers: only what a header cannot hold is escaped, as Go's servers do. Some
 * clients (grpc-js) take no escapes of punctuation back, and compare texts.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Http2ServerResponse } from "node:http2";

const MESSAGE = "grpc-message";

/** Everything but printable ASCII, and the percent sign itself. */
export function percentEncoded(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]+/gu, encodeURIComponent);
}

/** Connect escapes all punctuation; its trailers leave with what is needed. */
export function withPlainMessages(response: Http2ServerResponse): Http2ServerResponse {
  const add = response.addTrailers.bind(response);
  response.addTrailers = (trailers: OutgoingHttpHeaders) => {
    const message = trailers[MESSAGE];
    if (typeof message !== "string") add(trailers);
    else add({ ...trailers, [MESSAGE]: percentEncoded(decodeURIComponent(message)) });
  };
  return response;
}
