/** A bound on every call that leaves this isolate. */
import { releaseResult } from "./rpc-result.ts";

/** Raised by {@link withDeadline}; told apart from whatever the callee throws. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * The outcome of `call`, or a {@link DeadlineError} after `timeoutMs`. The call itself cannot be
 * stopped: its late outcome is ignored. Results are released, the ignored ones too.
 */
export function withDeadline<T>(call: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(timeoutMs)), timeoutMs);
    call.then(
      (value) => {
        clearTimeout(timer);
        resolve(releaseResult(value));
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
