/**
 * The file format of bbolt, the database under etcd, as far as it is needed to write a database once and
 * to read one. Source: bbolt's page.go and db.go; numbers are little-endian.
 *
 *   page     id u64, flags u16, count u16, overflow u32, then `count` elements, then keys and values
 *   leaf     element: flags u32 (1: the value is a bucket), pos u32, key length u32, value length u32
 *   branch   element: pos u32, key length u32, page u64
 *   bucket   a value of its parent: root page u64 (0: the page follows right here), sequence u64
 *   meta     pages 0 and 1; the valid one with the higher transaction counts
 * `pos` counts from the element's own first byte.
 */
export const PAGE_BYTES = 4096;
export const PAGE_HEADER_BYTES = 16;
export const ELEMENT_BYTES = 16;
export const BUCKET_BYTES = 16;
export const META_BYTES = 64;

export const FLAG_BRANCH = 0x01;
export const FLAG_LEAF = 0x02;
export const FLAG_META = 0x04;
export const FLAG_FREELIST = 0x10;
/** Of a leaf's element: its value is a bucket. */
export const FLAG_BUCKET = 0x01;

export const MAGIC = 0xed0cdaed;
export const VERSION = 2;

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;
const MASK_64 = 0xffffffffffffffffn;

/** The checksum of a meta page: FNV-1a over everything before it. */
export function fnv64(bytes: Uint8Array): bigint {
  let hash = FNV_OFFSET;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * FNV_PRIME) & MASK_64;
  return hash;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
