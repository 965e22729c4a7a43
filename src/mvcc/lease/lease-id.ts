/** A lease's id, an int64, as the 8 bytes under which it is stored. */
import { assert } from "../../base/assert.ts";

const BYTES = 8;

export function leaseIdBytes(id: bigint): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  new DataView(bytes.buffer).setBigInt64(0, id);
  return bytes;
}

export function leaseIdOf(bytes: Uint8Array): bigint {
  assert(bytes.length === BYTES, "a stored lease has 8 bytes");
  return new DataView(bytes.buffer, bytes.byteOffset, BYTES).getBigInt64(0);
}
