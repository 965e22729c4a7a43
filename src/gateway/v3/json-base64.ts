/** Standard base64 with padding, as Go decodes it: line breaks are skipped, unused bits ignored. */
import { err, ok, type Result } from "../../base/result.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 0x3d;
/** The six bits of each byte; 255 for bytes outside the alphabet. */
const SIX_BITS = new Uint8Array(256).fill(255);
for (let i = 0; i < ALPHABET.length; i += 1) SIX_BITS[ALPHABET.charCodeAt(i)] = i;

function isLineBreak(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

/**
 * The bytes that `text` stands for, or the index that Go names in "illegal base64 data at input
 * byte N". Source: Go `encoding/base64`, `decodeQuantum`.
 */
export function decodeBase64(text: Uint8Array): Result<Uint8Array, number> {
  const decoded = new Uint8Array(Math.ceil(text.length / 4) * 3);
  let length = 0;
  let group = 0;
  /** Characters of the group that have come. */
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i] ?? 0;
    const bits = SIX_BITS[byte] ?? 255;
    if (bits !== 255) {
      group = (group << 6) | bits;
      count += 1;
      if (count < 4) continue;
      decoded[length] = group >> 16;
      decoded[length + 1] = group >> 8;
      decoded[length + 2] = group;
      length += 3;
      group = 0;
      count = 0;
    } else if (!isLineBreak(byte)) {
      if (byte !== PADDING) return err(i);
      const error = paddingError(text, i, count);
      if (error !== null) return err(error);
      decoded[length] = group >> (count === 2 ? 4 : 10);
      if (count === 3) decoded[length + 1] = group >> 2;
      return ok(decoded.subarray(0, length + count - 1));
    }
  }
  // Go counts back from the end by the characters of the group alone.
  return count === 0 ? ok(decoded.subarray(0, length)) : err(text.length - count);
}

/** What is wrong with the padding that begins at `at`, after `count` characters of its group. */
function paddingError(text: Uint8Array, at: number, count: number): number | null {
  if (count < 2) return at;
  let next = at + 1;
  if (count === 2) {
    while (isLineBreak(text[next])) next += 1;
    if (next >= text.length) return text.length;
    if (text[next] !== PADDING) return next - 1;
    next += 1;
  }
  while (isLineBreak(text[next])) next += 1;
  return next < text.length ? next : null;
}
