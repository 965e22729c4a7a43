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
