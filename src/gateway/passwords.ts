/**
 * Passwords as they are kept: PBKDF2 with SHA-256, by the platform's own crypto. Hashing is slow on
 * purpose, so only few run at the same time and only some wait; replicas never do any of it.
 */
import { LIMITS } from "../base/limits.ts";
import { fromBase64, toBase64 } from "../wire/text.ts";
import { equalBytesSlowly } from "./equal-bytes.ts";
import type { Entropy } from "./ports.ts";
import { Turnstile } from "./turnstile.ts";

/** As many as the platform allows. */
const ITERATIONS = 100_000;
const SALT_BYTES = 16;
const HASH_BITS = 256;
const SCHEME = "pbkdf2-sha256";

interface StoredHash {
  readonly iterations: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly hash: Uint8Array;
}

/** What is compared with where there is nothing: it costs the same and no password has it. */
const NOBODY: StoredHash = {
  iterations: ITERATIONS,
  salt: new Uint8Array(SALT_BYTES),
  hash: new Uint8Array(0),
};

export class Passwords {
  readonly #entropy: Entropy;
  readonly #turnstile = new Turnstile(LIMITS.passwordsHashedMax, LIMITS.passwordsWaitingMax);

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** A new hash of `password` with its salt: `pbkdf2-sha256$ITERATIONS$SALT$HASH`. Null: too busy. */
  async hash(password: string): Promise<string | null> {
    const salt = new Uint8Array(this.#entropy.bytes(SALT_BYTES));
    const hash = await this.#turnstile.run(() => derive(password, salt, ITERATIONS));
    return hash === null ? null : [SCHEME, ITERATIONS, toBase64(salt), toBase64(hash)].join("$");
  }

  /**
   * Whether `password` is the one that `stored` was made of; never for a `stored` that is no hash, which
   * takes as long. Null: too busy.
   */
  async matches(password: string, stored: string | null): Promise<boolean | null> {
    const { iterations, salt, hash } = parse(stored) ?? NOBODY;
    const derived = await this.#turnstile.run(() => derive(password, salt, iterations));
    return derived === null ? null : equalBytesSlowly(derived, hash);
  }
}

async function derive(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(password);
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, HASH_BITS));
}

function parse(stored: string | null): StoredHash | null {
  const [scheme, iterations, salt, hash] = stored?.split("$") ?? [];
  if (scheme !== SCHEME || iterations === undefined || salt === undefined || hash === undefined) return null;
  return {
    iterations: Math.min(Number(iterations), ITERATIONS),
    salt: new Uint8Array(fromBase64(salt)),
    hash: fromBase64(hash),
  };
}
