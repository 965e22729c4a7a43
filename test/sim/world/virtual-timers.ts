/** The global timers in virtual time: production code that bounds its calls runs unchanged. */

type SetTimer = (delayMs: number, fire: () => void) => () => void;

export interface VirtualTimers {
  uninstall(): void;
}

/** Replaces `setTimeout` and `clearTimeout` until `uninstall`. One run at a time in one thread. */
export function installVirtualTimers(set: SetTimer): VirtualTimers {
  const realSet = globalThis.setTimeout;
  const realClear = globalThis.clearTimeout;
  const cancels = new Map<number, () => void>();
  let ids = 0;
  const virtualSet = (fire: () => void, delayMs = 0): number => {
    ids += 1;
    const id = ids;
    cancels.set(
      id,
      set(delayMs, () => {
        cancels.delete(id);
        fire();
      }),
    );
    return id;
  };
  const virtualClear = (id: number): void => {
    cancels.get(id)?.();
    cancels.delete(id);
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
