/** The gateway's clock and chance in a Worker. */
import type { Clock, Entropy } from "./ports.ts";

export const platformClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
};

export const platformEntropy: Entropy = {
  fraction: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** What Workers have and others do not: a stream's length, known to whoever reads it. */
interface WorkersGlobal {
  readonly FixedLengthStream?: new (
    bytes: number,
  ) => {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
  };
}

/**
 * `body`, announced as `bytes` long: its reader notices if it ends before. Outside of Workers, which is
 * in tests, it comes without its length.
 */
export function withLength(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  const { FixedLengthStream } = globalThis as WorkersGlobal;
  return FixedLengthStream === undefined ? body : body.pipeThrough(new FixedLengthStream(bytes));
}
