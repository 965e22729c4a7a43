/** What the first replica asked notes in a command. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { concatBytes } from "../base/bytes.ts";
import { decodeCommand } from "../wire/batch.ts";
import type { Command } from "../wire/gen/edged_pb.ts";
import { appendSeen } from "../wire/put-command.ts";
import type { ClientActor } from "./access.ts";

/** Field numbers of `edged.Command`. */
const USER_FIELD = 3;
const AUTH_REVISION_FIELD = 4;
const INTERNAL_FIELD = 7;

/** An encoded command, read; null if that is impossible: nothing unreadable may enter the log. */
export function readCommand(bytes: Uint8Array): Command | null {
  try {
    const command = decodeCommand(bytes);
    return command.request.case === undefined ? null : command;
  } catch {
    return null;
  }
}

/**
 * The bytes of `command` with `seen` set to `sequence` where it is absent. The first replica asked stamps
 * it, and the operation cannot have been applied before that.
 */
export function stampSeen(bytes: Uint8Array, command: Command, sequence: number): Uint8Array {
  return command.seen === 0n ? appendSeen(bytes, sequence) : bytes;
}

/**
 * The bytes of a client's `command` with who gives it, whatever it says itself. While users are asked for,
 * a command without this is nobody's.
 */
export function stampActor(
  bytes: Uint8Array,
  command: Command,
  { user, authRevision }: ClientActor,
): Uint8Array {
  const saysNothing = command.user === "" && command.authRevision === 0n && !command.internal;
  if (user === "" && saysNothing) return bytes;
  // A repeated scalar field overrides: the last occurrence counts.
  const stamp = new BinaryWriter()
    .tag(USER_FIELD, WireType.LengthDelimited)
    .string(user)
    .tag(AUTH_REVISION_FIELD, WireType.Varint)
    .uint64(authRevision)
    .tag(INTERNAL_FIELD, WireType.Varint)
    .bool(false)
    .finish();
  return concatBytes([bytes, stamp]);
}
