import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * The encoded response of any kind that says nothing but its header's revision. Every etcd response
 * has its header in field 1, and the header its revision in field 3.
 */
export function encodeHeaderOnly(revision: number): Uint8Array {
  const header = new BinaryWriter().tag(3, WireType.Varint).int64(revision).finish();
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(header).finish();
}
