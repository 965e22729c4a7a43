/** The freshness of an operation id, when the gateway could not tell it. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { concatBytes } from "../base/bytes.ts";
import { decodeCommand } from "../wire/batch.ts";

/** Field number of `edged.Command.seen`. */
const SEEN_FIELD = 2;
const VARINT = 0;

/**
 * `command` with `seen` set to `sequence` where it is absent, or null if it cannot be read: nothing
 * unreadable may enter the log. The first replica asked stamps it, and the operation cannot have
 * been applied before that.
 */
export function stampSeen(command: Uint8Array, sequence: number): Uint8Array | null {
  try {
    const { seen, request } = decodeCommand(command);
    if (request.case === undefined) return null;
    if (seen !== 0n || sequence === 0) return command;
  } catch {
    return null;
  }
  // A repeated scalar field overrides: the last occurrence counts.
  const stamp = new BinaryWriter().tag(SEEN_FIELD, VARINT).uint64(sequence).finish();
  return concatBytes([command, stamp]);
}
