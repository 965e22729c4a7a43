// @ts-check
/** Keys, ranges and prefixes as etcd's requests name them. */
import { usageError } from "./errors.mjs";
import { base64 } from "./message.mjs";

/** In place of an end: all keys from the first one on. */
const OPEN_END = Buffer.from([0]);

/**
 * The first key behind all that start with the prefix.
 * @param {Buffer} prefix
 */
export function prefixEnd(prefix) {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0xff;
    if (byte < 0xff) {
      end[at] = byte + 1;
      return end.subarray(0, at + 1);
    }
  }
  return OPEN_END;
}

/**
 * @typedef {object} RangeOptions
 * @property {boolean} [prefix]
 * @property {boolean} [fromKey]
 */

/**
 * @param {string} key
 * @param {string | undefined} end
 * @param {RangeOptions} options
 * @returns {{ key: string, range_end?: string }}
 */
export function rangeOf(key, end, { prefix, fromKey }) {
  if (prefix && fromKey)
    throw usageError("`--prefix` and `--from-key` cannot be set at the same time, choose one");
  if (end !== undefined && (prefix || fromKey)) {
    throw usageError("too many arguments, only accept one argument when `--prefix` or `--from-key` is set");
  }
  // etcd knows no empty key; all keys start at the byte 0.
  const first = key === "" && (prefix || fromKey) ? OPEN_END : Buffer.from(key);
  if (fromKey || (prefix && key === "")) return { key: base64(first), range_end: base64(OPEN_END) };
  if (prefix) return { key: base64(first), range_end: base64(prefixEnd(first)) };
  return { key: base64(first), ...(end === undefined ? {} : { range_end: base64(end) }) };
}
