import { assertCount } from "../base/assert.ts";
import { numberFieldBytes, writeNumberField } from "../wire/fields.ts";

/** Tags of a response's header and of the header's revision: the same in every etcd response. */
const HEADER = 0x0a;
const REVISION = 0x18;

/** The encoded response of any kind that says nothing but its header's revision. */
export function encodeHeaderOnly(revision: number): Uint8Array {
  assertCount(revision, "revision");
  const headerBytes = numberFieldBytes(revision);
  const bytes = new Uint8Array(2 + headerBytes);
  bytes[0] = HEADER;
  bytes[1] = headerBytes;
  writeNumberField(bytes, 2, REVISION, revision);
  return bytes;
}
