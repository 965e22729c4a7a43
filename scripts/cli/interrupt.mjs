// @ts-check
/** The end of commands that would go on: by ctrl-C or another signal. */

const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Runs something until it ends or somebody wants it to; it is told by the signal and may clean up.
 * A second ctrl-C ends the process at once.
 * @template Result
 * @param {import("./program.mjs").Io} io
 * @param {(signal: AbortSignal) => Promise<Result>} run
 * @returns {Promise<Result>}
 */
export async function untilInterrupted({ interrupt }, run) {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, stop);
  interrupt?.addEventListener("abort", stop, { once: true });
  try {
    return await run(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
    interrupt?.removeEventListener("abort", stop);
  }
}

/**
 * @param {number} durationMs
 * @param {AbortSignal} signal
 * @returns {Promise<void>} at once when it is aborted
 */
export function pause(durationMs, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    signal.addEventListener("abort", done, { once: true });
  });
}
