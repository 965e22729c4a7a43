/**
 * When a long-running command has to end: by a signal, or because npm has gone. npm passes signals
 * on to a shell that often dies without telling its child, so the child has to watch its parent.
 */
const PARENT_POLL_MS = 250;

/** Calls `stop` once for the first reason to end and `again` for every later one. */
export function onStopSignal(/** @type {() => void} */ stop, /** @type {() => void} */ again = () => {}) {
  let stopping = false;
  const act = () => {
    if (stopping) return again();
    stopping = true;
    stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, act);
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, PARENT_POLL_MS);
  timer.unref();
}
