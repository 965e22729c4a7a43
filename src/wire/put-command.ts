/**
 * An encoded `edged.Command` that puts one pair, written straight into its bytes and read from them: the
 * most frequent message there is, without the work and the objects of a general codec.
 */
import { assert, assertCount } from "../base/assert.ts";
import {
  bytesFieldBytes,
  numberFieldBytes,
  readBytesField,
  readNumberField,
  readVarint,
  varintBytes,
  writeBytesField,
  writeNumberField,
  writeVarint,
} from "./fields.ts";
import type { Command } from "./gen/edged_pb.ts";

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
  const putBytes = bytesFieldBytes(key.length) + bytesFieldBytes(value.length);
  const bytes = new Uint8Array(
    bytesFieldBytes(opId.length) + numberFieldBytes(seen) + 1 + varintBytes(putBytes) + putBytes,
  );
  let at = writeBytesField(bytes, 0, OP_ID, opId);
  at = writeNumberField(bytes, at, SEEN, seen);
  bytes[at] = PUT;
  at = writeVarint(bytes, at + 1, putBytes);
  at = writeBytesField(bytes, at, KEY, key);
  at = writeBytesField(bytes, at, VALUE, value);
  assert(at === bytes.length, "a command must fill its buffer");
  return bytes;
}

/** An encoded command with its `seen` set: a field that comes again overrides. */
export function appendSeen(command: Uint8Array, seen: number): Uint8Array {
  if (seen === 0) return command;
  const bytes = new Uint8Array(command.length + numberFieldBytes(seen));
  bytes.set(command);
  writeNumberField(bytes, command.length, SEEN, seen);
  return bytes;
}

/**
 * What {@link encodePutCommand} wrote into `bytes` from `from` to `end`, with or without what
 * {@link appendSeen} added: the message that the library would make of it, with views of `bytes`. Null for
 * anything else, good or bad, which is for the library to judge.
 */
export function readPutCommand(bytes: Uint8Array, from: number, end: number): Command | null {
  const opId = readBytesField(bytes, from, end, OP_ID);
  if (opId === null) return null;
  let at = from + bytesFieldBytes(opId.length);
  const seen = readNumberField(bytes, at, end, SEEN);
  if (seen < 0) return null;
  at += numberFieldBytes(seen);
  const putBytes = bytes[at] === PUT ? readVarint(bytes, at + 1, end) : -1;
  if (putBytes < 0) return null;
  at += 1 + varintBytes(putBytes);
  const putEnd = at + putBytes;
  const key = readBytesField(bytes, at, putEnd, KEY);
  if (key === null) return null;
  at += bytesFieldBytes(key.length);
  const value = readBytesField(bytes, at, putEnd, VALUE);
  if (value === null || at + bytesFieldBytes(value.length) !== putEnd) return null;
  // No field reaches beyond the end if the last one ends there.
  const stamp = readNumberField(bytes, putEnd, end, SEEN);
  if (stamp < 0 || putEnd + numberFieldBytes(stamp) !== end) return null;
  return putCommand(opId, stamp === 0 ? seen : stamp, key, value);
}

/** All fields, in the order in which the library sets them. */
function putCommand(opId: Uint8Array, seen: number, key: Uint8Array, value: Uint8Array): Command {
  return {
    $typeName: "edged.Command",
    opId,
    seen: BigInt(seen),
    user: "",
    authRevision: 0n,
    internal: false,
    founders: [],
    request: {
      case: "put",
      value: {
        $typeName: "etcdserverpb.PutRequest",
        key,
        value,
        lease: 0n,
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      },
    },
  };
}
