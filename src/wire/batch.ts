/** Log entries: framing of commands into an `edged.Batch`, without decoding them. */
import { fromBinary } from "@bufbuild/protobuf";
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import { readVarint, varintBytes, writeVarint } from "./fields.ts";
import { BatchSchema, type Command, CommandSchema } from "./gen/edged_pb.ts";
import { readPutCommand } from "./put-command.ts";

/** Protobuf tag of `Batch.commands`: field 1, length-delimited. */
const COMMANDS_TAG = 0x0a;

/** Bytes that framing adds to a command of `lengthBytes`. */
export function batchOverheadBytes(lengthBytes: number): number {
  return 1 + varintBytes(lengthBytes);
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
    offset = writeVarint(data, offset + 1, command.length);
    data.set(command, offset);
    offset += command.length;
  }
  assert(offset === length, "a batch must fill its buffer");
  return data;
}

/** One encoded `edged.Command`. Throws on bytes that are none, or that nest deeper than any legal request. */
export function decodeCommand(bytes: Uint8Array): Command {
  return (
    readPutCommand(bytes, 0, bytes.length) ??
    fromBinary(CommandSchema, bytes, { recursionLimit: LIMITS.messageDepthMax })
  );
}

/** The commands of a log entry, in order. Throws on bytes that are no Batch. */
export function decodeBatch(data: Uint8Array): readonly Command[] {
  // One level above its commands: what `decodeCommand` reads must never fail here.
  return (
    decodeFramed(data) ??
    fromBinary(BatchSchema, data, { recursionLimit: LIMITS.messageDepthMax + 1 }).commands
  );
}

/** The same one by one. Null for what {@link encodeBatch} did not write: the library judges all of it. */
function decodeFramed(data: Uint8Array): Command[] | null {
  const commands: Command[] = [];
  let end = 0;
  while (end < data.length) {
    const length = data[end] === COMMANDS_TAG ? readVarint(data, end + 1, data.length) : -1;
    if (length < 0) return null;
    const begin = end + batchOverheadBytes(length);
    end = begin + length;
    if (end > data.length) return null;
    const command = readPutCommand(data, begin, end) ?? decodeAlone(data.subarray(begin, end));
    if (command === null) return null;
    commands.push(command);
  }
  return commands;
}

function decodeAlone(bytes: Uint8Array): Command | null {
  try {
    return fromBinary(CommandSchema, bytes, { recursionLimit: LIMITS.messageDepthMax });
  } catch {
    return null;
  }
}
