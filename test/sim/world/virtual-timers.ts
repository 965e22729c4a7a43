/** The global timers in virtual time: production code that bounds its calls runs unchanged. */

import type { Planned } from "./event-heap.ts";

type SetTimer = (delayMs: number, fire: () => void) => Planned;

export interface VirtualTimers {
  uninstall(): void;
}

/** Replaces `setTimeout` and `clearTimeout` until `uninstall`. One run at a time in one thread. */
export function installVirtualTimers(set: SetTimer): VirtualTimers {
  const realSet = globalThis.setTimeout;
  const realClear = globalThis.clearTimeout;
  // A timer's handle is the planned event itself.
  const virtualSet = (fire: () => void, delayMs = 0): Planned => set(delayMs, fire);
  const virtualClear = (planned: Planned | undefined): void => {
    if (planned !== undefined) planned.cancelled = true;
  };
  Reflect.set(globalThis, "setTimeout", virtualSet);
  Reflect.set(globalThis, "clearTimeout", virtualClear);
  return {
    uninstall() {
      Reflect.set(globalThis, "setTimeout", realSet);
      Reflect.set(globalThis, "clearTimeout", realClear);
    },
  };
}
