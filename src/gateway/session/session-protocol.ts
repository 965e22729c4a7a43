/** Reading and writing a session's messages (src/wire/proto/session.proto, docs/session.md). */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { err, ok, type Result } from "../../base/result.ts";
import { type Call, CallSchema } from "../../wire/gen/session_pb.ts";

/** The subprotocol of the WebSocket. */
export const SESSION_PROTOCOL = "edged.session.v1";

/** How a `FromClient` begins its calls, its cancels, and what it has taken. */
const CALLS = 1;
const CANCELS = 2;
const TAKEN_BYTES = 3;

/** A message whose calls are not read yet. */
export interface RawMessage {
  readonly calls: readonly Uint8Array[];
  readonly cancels: readonly number[];
  readonly takenBytes: number;
}

export function readMessage(bytes: Uint8Array): Result<RawMessage, string> {
  const calls: Uint8Array[] = [];
  const cancels: number[] = [];
  let takenBytes = 0;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === CALLS && type === WireType.LengthDelimited) calls.push(reader.bytes());
      else if (field === CANCELS && type === WireType.Varint) cancels.push(reader.uint32());
      else if (field === CANCELS && type === WireType.LengthDelimited) {
        const end = reader.uint32() + reader.pos;
        while (reader.pos < end) cancels.push(reader.uint32());
      } else if (field === TAKEN_BYTES && type === WireType.Varint) takenBytes = Number(reader.uint64());
      else reader.skip(type, field);
    }
  } catch (error) {
    return err(textOf(error));
  }
  return ok({ calls, cancels, takenBytes });
}

export function readCall(bytes: Uint8Array): Result<Call, string> {
  try {
    return ok(fromBinary(CallSchema, bytes));
  } catch (error) {
    return err(textOf(error));
  }
}

/** The id of a call that cannot be read, if it comes first in it and is whole. */
export function idOf(bytes: Uint8Array): number | null {
  try {
    const reader = new BinaryReader(bytes);
    const [field, type] = reader.tag();
    return field === 1 && type === WireType.Varint ? reader.uint32() : null;
  } catch {
    return null;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
