/** Errors as the platform throws them at callers: flags tell them apart. */

export function resetError(why: string): Error {
  return Object.assign(new Error(`Durable Object reset: ${why}`), { durableObjectReset: true });
}

export function disconnectedError(): Error {
  return Object.assign(new Error("Network connection lost."), { retryable: true });
}
