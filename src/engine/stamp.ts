/** What the first replica asked notes in a command. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { concatBytes } from "../base/bytes.ts";
import { decodeCommand } from "../wire/batch.ts";
import type { Command } from "../wire/gen/edged_pb.ts";
import type { ClientActor } from "./access.ts";

/** Field numbers of `edged.Command`. */
const SEEN_FIELD = 2;
const USER_FIELD = 3;
const AUTH_REVISION_FIELD = 4;
const INTERNAL_FIELD = 7;

/**
 * `command` with `seen` set to `sequence` where it is absent, or null if it cannot be read: nothing
 * unreadable may enter the log. The first replica asked stamps it, and the operation cannot have
 * been applied before that.
 */
export function stampSeen(command: Uint8Array, sequence: number): Uint8Array | null {
  const decoded = decode(command);
  if (decoded === null) return null;
  if (decoded.seen !== 0n || sequence === 0) return command;
  // A repeated scalar field overrides: the last occurrence counts.
  const stamp = new BinaryWriter().tag(SEEN_FIELD, WireType.Varint).uint64(sequence).finish();
  return concatBytes([command, stamp]);
}

/**
 * A client's readable `command` with who gives it, whatever it says itself. While users are asked for,
 * a command without this is nobody's.
 */
export function stampActor(command: Uint8Array, { user, authRevision }: ClientActor): Uint8Array {
  const decoded = decode(command);
  const saysNothing = decoded?.user === "" && decoded.authRevision === 0n && !decoded.internal;
  if (user === "" && saysNothing) return command;
  const stamp = new BinaryWriter()
    .tag(USER_FIELD, WireType.LengthDelimited)
    .string(user)
    .tag(AUTH_REVISION_FIELD, WireType.Varint)
    .uint64(authRevision)
    .tag(INTERNAL_FIELD, WireType.Varint)
    .bool(false)
    .finish();
  return concatBytes([command, stamp]);
}

function decode(command: Uint8Array): Command | null {
  try {
    const decoded = decodeCommand(command);
    return decoded.request.case === undefined ? null : decoded;
  } catch {
    return null;
  }
}
