/**
 * An encoded `edged.Command` that puts one pair, written straight into its bytes: the most frequent
 * message there is, without the objects that a general encoder makes on the way.
 */
import { assert, assertCount } from "../base/assert.ts";

/** Tags of `Command.op_id`, `seen` and `put`, and of `PutRequest.key` and `value`. */
const OP_ID = 0x0a;
const SEEN = 0x10;
const PUT = 0x52;
const KEY = 0x0a;
const VALUE = 0x12;

export function encodePutCommand(
  opId: Uint8Array,
  seen: number,
  key: Uint8Array,
  value: Uint8Array,
): Uint8Array {
  assertCount(seen, "seen");
  const putBytes = fieldBytes(key.length) + fieldBytes(value.length);
  const bytes = new Uint8Array(
    fieldBytes(opId.length) + (seen === 0 ? 0 : 1 + varintBytes(seen)) + 1 + varintBytes(putBytes) + putBytes,
  );
  let at = writeField(bytes, 0, OP_ID, opId);
  if (seen !== 0) at = writeVarint(bytes, writeVarint(bytes, at, SEEN), seen);
  at = writeVarint(bytes, writeVarint(bytes, at, PUT), putBytes);
  at = writeField(bytes, at, KEY, key);
  at = writeField(bytes, at, VALUE, value);
  assert(at === bytes.length, "a command must fill its buffer");
  return bytes;
}

/** Empty fields are left out. */
function fieldBytes(lengthBytes: number): number {
  return lengthBytes === 0 ? 0 : 1 + varintBytes(lengthBytes) + lengthBytes;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Returns where to go on. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
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

function writeField(bytes: Uint8Array, at: number, tag: number, content: Uint8Array): number {
  if (content.length === 0) return at;
  const place = writeVarint(bytes, writeVarint(bytes, at, tag), content.length);
  bytes.set(content, place);
  return place + content.length;
}
