/** Byte strings compared, cut and joined the way etcd orders keys: as unsigned bytes. */

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Negative, zero or positive as `a` sorts before, equal to or after `b`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** All `parts` in one new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** etcd's "to the end of the keyspace" as a `range_end`: one zero byte. */
export const RANGE_END_OPEN: Uint8Array = new Uint8Array([0]);

/**
 * The exclusive end of the interval of all keys that start with `prefix`: the prefix with its last
 * byte below 0xff raised by one. A prefix of only 0xff bytes (or none) has no end: `RANGE_END_OPEN`.
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i -= 1) {
    const byte = prefix[i] as number;
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i] = byte + 1;
      return end;
    }
  }
  return RANGE_END_OPEN;
}

/** Of each byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, two characters a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte] as string;
  return text;
}

/** A key for maps: one character a byte, shorter and faster to make than hexadecimal, and never shown. */
export function mapKey(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, null, bytes);
}
