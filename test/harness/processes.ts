/** Waiting for processes and conditions. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 10;
/** Only a condition that never comes reaches it. */
const DEADLINE_MS = 30_000;

/** Waits until the process has ended. One that only waits to be collected by its parent has. */
export function untilEnded(pid: number): Promise<void> {
  return until(`process ${pid} ends`, async () => (isRunning(pid) ? null : undefined));
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // The state follows the command's name, which is in parentheses.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.startsWith("Z") !== true;
  } catch {
    // No /proc on this system, or the process has ended meanwhile: the next look will tell.
    return true;
  }
}

/** Asks until `probe` answers with something else than null, errors included. */
export async function until<T>(what: string, probe: () => Promise<T | null>): Promise<T> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  let last: unknown = null;
  while (performance.now() < deadlineMs) {
    try {
      const found = await probe();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`within ${DEADLINE_MS} ms it never came true that ${what}`, { cause: last });
}
