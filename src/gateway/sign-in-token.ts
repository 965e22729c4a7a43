/** Tokens of signed-in users: how they are made, and as what replicas know them. */
import { toHex } from "../base/bytes.ts";
import type { Entropy } from "./ports.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** More than etcd's 16, of which nobody may guess one. */
const LETTERS_COUNT = 24;

/** A new token in etcd's form: letters, a dot, a number that says nothing secret. */
export function mintToken(entropy: Entropy, serial: number): string {
  let letters = "";
  while (letters.length < LETTERS_COUNT) {
    for (const byte of entropy.bytes(LETTERS_COUNT)) {
      // Bytes beyond a multiple of the alphabet would prefer its first letters.
      if (byte < 4 * LETTERS.length && letters.length < LETTERS_COUNT)
        letters += LETTERS[byte % LETTERS.length];
    }
  }
  return `${letters}.${serial}`;
}

/**
 * What replicas are told of a token, and keep of it: neither their databases nor backups nor the log
 * hold anything that somebody could sign in with.
 */
export async function tokenDigest(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return toHex(new Uint8Array(digest));
}
