/**
 * Fields of protobuf messages, written to and read from their bytes by hand: for the few messages that
 * every write passes through, without the objects that a general codec makes on the way.
 * Tags are of one byte, and numbers are safe integers from 0 on.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";

/** Bytes of a varint that is read: up to 49 bits. */
const VARINT_BYTES_MAX = 7;

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Returns where to go on. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let place = at;
  let rest = value;
  while (rest >= 128) {
    bytes[place] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
    place += 1;
  }
  bytes[place] = rest;
  return place + 1;
}

/** The varint at `at`, before `end`; -1 if there is none, or one that is longer than need be or too large. */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  const last = Math.min(end, at + VARINT_BYTES_MAX);
  let value = 0;
  let factor = 1;
  for (let place = at; place < last; place += 1) {
    const byte = bytes[place] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return byte === 0 && place > at ? -1 : value;
    factor *= 128;
  }
  return -1;
}

/** Bytes of a field with a number; zero is left out. */
export function numberFieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** Returns where to go on. */
export function writeNumberField(bytes: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, value);
}

/** The field of `tag` at `at`: 0 if another one stands there, -1 if it is not as {@link writeNumberField} writes it. */
export function readNumberField(bytes: Uint8Array, at: number, end: number, tag: number): number {
  if (at >= end || bytes[at] !== tag) return 0;
  const value = readVarint(bytes, at + 1, end);
  return value === 0 ? -1 : value;
}

/** Bytes of a field with `lengthBytes` of content; one without content is left out. */
export function bytesFieldBytes(lengthBytes: number): number {
  return lengthBytes === 0 ? 0 : 1 + varintBytes(lengthBytes) + lengthBytes;
}

/** Returns where to go on. */
export function writeBytesField(bytes: Uint8Array, at: number, tag: number, content: Uint8Array): number {
  if (content.length === 0) return at;
  bytes[at] = tag;
  const place = writeVarint(bytes, at + 1, content.length);
  bytes.set(content, place);
  return place + content.length;
}

/** A view of what {@link writeBytesField} wrote at `at`: no bytes if another field stands there, null if it is not whole. */
export function readBytesField(bytes: Uint8Array, at: number, end: number, tag: number): Uint8Array | null {
  if (at >= end || bytes[at] !== tag) return EMPTY_BYTES;
  const length = readVarint(bytes, at + 1, end);
  const begin = at + 1 + varintBytes(length);
  return length > 0 && begin + length <= end ? bytes.subarray(begin, begin + length) : null;
}
