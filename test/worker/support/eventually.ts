/** Waiting for a condition, never for a time. */
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
/** Far above what any of these waits takes: only a condition that never comes reaches it. */
const DEADLINE_MS = 25_000;

/**
 * Asks until `probe` gives something else than null. At the deadline it fails with `what` and the
 * last thing `describe` has to say.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null>,
  describe: () => unknown = () => "",
): Promise<T> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `within ${DEADLINE_MS} ms it never came true that ${what}: ${JSON.stringify(describe())}`,
      );
    }
    await sleep(POLL_MS);
  }
}
