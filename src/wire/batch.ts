/** Log entries: framing of commands into an `edged.Batch`, without decoding them. */
import { fromBinary } from "@bufbuild/protobuf";
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import { BatchSchema, type Command, CommandSchema } from "./gen/edged_pb.ts";

/** Protobuf tag of `Batch.commands`: field 1, length-delimited. */
const COMMANDS_TAG = 0x0a;

/** Bytes that framing adds to a command of `lengthBytes`. */
export function batchOverheadBytes(lengthBytes: number): number {
  let bytes = 2;
  for (let rest = lengthBytes >>> 7; rest > 0; rest >>>= 7) bytes += 1;
  return bytes;
}

/**
 * The data of a log entry that carries `commands`, each an encoded `edged.Command`. No commands give
 * no bytes, which is also the data of a leader's no-op.
 */
export function encodeBatch(commands: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const command of commands) length += command.length + batchOverheadBytes(command.length);
  const data = new Uint8Array(length);
  let offset = 0;
  for (const command of commands) {
    data[offset] = COMMANDS_TAG;
    offset += 1;
    let rest = command.length;
    while (rest > 0x7f) {
      data[offset] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
      offset += 1;
    }
    data[offset] = rest;
    offset += 1;
    data.set(command, offset);
    offset += command.length;
  }
  assert(offset === length, "a batch must fill its buffer");
  return data;
}

/** One encoded `edged.Command`. Throws on bytes that are none, or that nest deeper than any legal request. */
export function decodeCommand(bytes: Uint8Array): Command {
  return fromBinary(CommandSchema, bytes, { recursionLimit: LIMITS.messageDepthMax });
}

/** The commands of a log entry, in order. Throws on bytes that are no Batch. */
export function decodeBatch(data: Uint8Array): readonly Command[] {
  if (data.length === 0) return [];
  // One level above its commands: what `decodeCommand` reads must never fail here.
  return fromBinary(BatchSchema, data, { recursionLimit: LIMITS.messageDepthMax + 1 }).commands;
}
