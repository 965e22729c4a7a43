/** What a call to an object returned is held open, on both sides, until it is disposed. */

/**
 * Lets go of the resources of a call whose result is `value`. Its data stays: only stubs in it, of
 * which there are none here, would stop working. Without this the platform waits for a garbage
 * collection, and complains.
 */
export function releaseResult<T>(value: T): T {
  if (typeof value === "object" && value !== null && Symbol.dispose in value) {
    const dispose: unknown = Reflect.get(value, Symbol.dispose);
    if (typeof dispose === "function") Reflect.apply(dispose, value, []);
  }
  return value;
}
