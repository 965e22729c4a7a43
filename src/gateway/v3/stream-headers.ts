/**
 * Headers of an answer that is a stream of JSON. Whatever compresses on the way would gather many
 * messages before it lets one pass: the platform leaves alone what already names an encoding, and
 * others what forbids a transformation.
 */
export const STREAM_HEADERS = {
  "Content-Type": "application/json",
  "Grpc-Metadata-Content-Type": "application/grpc",
  "Content-Encoding": "identity",
  "Cache-Control": "no-store, no-transform",
} as const;
