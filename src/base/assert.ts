/**
 * Assertions stay on in production: a replica that finds its own state impossible must stop
 * (safety over liveness) instead of answering from it.
 */

/** A programmer error: an invariant of the code itself does not hold. Never caught to go on. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws {@link InvariantError} unless `condition` holds. `message` says which rule was broken. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Returns `value`, or throws {@link InvariantError} when it is absent. */
export function defined<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message);
  return value;
}

/** Ends every `switch` over a closed union: compiles only while all cases are handled. */
export function assertNever(value: never, context: string): never {
  throw new InvariantError(`${context}: unexpected ${JSON.stringify(value)}`);
}

/** Asserts that `value` is an exact non-negative integer (term, index, revision: at most 2^53 - 1). */
export function assertCount(value: number, name: string): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${name} must be a count, got ${value}`);
}
