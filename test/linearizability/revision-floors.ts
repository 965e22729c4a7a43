import type { Operation } from "./operation.ts";

/**
 * For each operation, the greatest revision that any client had been told before it was called.
 * The first to be called already knew `baseRevision`. Moments that are equal count as concurrent.
 */
export function floors(history: readonly Operation[], baseRevision: number): Float64Array {
  const count = history.length;
  const calls = new Float64Array(count);
  const returns = new Float64Array(count);
  const told = new Float64Array(count);
  history.forEach((operation, at) => {
    const { outcome } = operation;
    const silent = operation.return === null || outcome.kind === "failed" || outcome.kind === "unknown";
    calls[at] = operation.call;
    returns[at] = silent ? Number.POSITIVE_INFINITY : (operation.return ?? Number.POSITIVE_INFINITY);
    told[at] = silent ? 0 : outcome.revision;
  });
  const byCall = order(calls);
  const byReturn = order(returns);
  const result = new Float64Array(count);
  let floor = baseRevision;
  let nextReturn = 0;
  for (const at of byCall) {
    const call = calls[at] ?? 0;
    while (nextReturn < count && (returns[byReturn[nextReturn] ?? 0] ?? 0) < call) {
      floor = Math.max(floor, told[byReturn[nextReturn] ?? 0] ?? 0);
      nextReturn += 1;
    }
    result[at] = floor;
  }
  return result;
}

/** The positions of `times` in ascending order of the times. */
function order(times: Float64Array): Uint32Array {
  const positions = new Uint32Array(times.length);
  let sorted = true;
  for (let at = 0; at < times.length; at += 1) {
    positions[at] = at;
    if (at > 0 && (times[at] ?? 0) < (times[at - 1] ?? 0)) sorted = false;
  }
  // Subtraction of two infinities is NaN, so the comparison is spelled out.
  if (!sorted) {
    positions.sort((a, b) => {
      const left = times[a] ?? 0;
      const right = times[b] ?? 0;
      return left < right ? -1 : left > right ? 1 : 0;
    });
  }
  return positions;
}
