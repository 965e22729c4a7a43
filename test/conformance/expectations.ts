/** What the cases expect; they know no test framework. */

export function equal(observed: unknown, expected: unknown, what: string): void {
  const text = (value: unknown) =>
    JSON.stringify(value, (_key, inner: unknown) =>
      inner instanceof Uint8Array ? { bytes: [...inner] } : inner,
    );
  if (text(observed) !== text(expected)) {
    throw new Error(`${what}: expected ${text(expected)}, observed ${text(observed)}`);
  }
}

export function refuses(what: string, body: () => void): void {
  try {
    body();
  } catch {
    return;
  }
  throw new Error(`${what} should have been refused`);
}
