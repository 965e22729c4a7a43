/**
 * Part of a caller's time that the replica does not get, so that its own "timed out", which knows
 * more, arrives before the caller's.
 */
export function replicaTimeoutMs(timeoutMs: number): number {
  return Math.max(1, timeoutMs - Math.min(250, Math.ceil(timeoutMs / 10)));
}
