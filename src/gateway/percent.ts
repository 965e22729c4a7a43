/** Percent-escapes decoded to bytes: keys are byte strings, not text. */
import { err, ok, type Result } from "../base/result.ts";

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/**
 * The bytes that `text`, a part of a URL, stands for. `plusIsSpace` as forms and URLSearchParams
 * write queries. The error is the escape that is none.
 */
export function decodePercent(text: string, plusIsSpace: boolean): Result<Uint8Array, string> {
  // Parsed URLs are ASCII; anything else came in unescaped and counts as its UTF-8 bytes.
  const source = new TextEncoder().encode(text);
  const bytes = new Uint8Array(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i += 1) {
    const code = source[i] ?? 0;
    if (code === PERCENT) {
      const high = hexDigit(source[i + 1] ?? 0);
      const low = hexDigit(source[i + 2] ?? 0);
      if (high < 0 || low < 0) return err(new TextDecoder().decode(source.subarray(i, i + 3)));
      bytes[length] = high * 16 + low;
      i += 2;
    } else {
      bytes[length] = plusIsSpace && code === PLUS ? SPACE : code;
    }
    length += 1;
  }
  return ok(bytes.slice(0, length));
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 encoding is exactly `bytes`, or null. */
export function strictUtf8(bytes: Uint8Array): string | null {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return null;
  }
}
