import type { Clock } from "../ports.ts";

/** How long a client waits: until it hangs up, or its own deadline. */
export interface Patience {
  /** Resolves when waiting is over. */
  readonly over: Promise<void>;
  readonly isOver: boolean;
}

/** `timeoutMs`: what the client leaves, null for as long as it takes. */
export function patienceOf(signal: AbortSignal, timeoutMs: number | null, clock: Clock): Patience {
  let isOver = signal.aborted;
  const hungUp = new Promise<void>((resolve) => {
    if (isOver) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const late = timeoutMs === null ? [] : [clock.sleep(timeoutMs)];
  const over = Promise.race([hungUp, ...late]).then(() => {
    isOver = true;
  });
  return {
    over,
    get isOver() {
      return isOver;
    },
  };
}
