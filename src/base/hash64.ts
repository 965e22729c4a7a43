const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;
const MASK_64 = 0xffffffffffffffffn;

/** FNV-1a over UTF-16 code units. Spreads names; protects against nothing. */
export function hash64(text: string): bigint {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i += 1) {
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * FNV_PRIME) & MASK_64;
  }
  return hash;
}

/** 16 hex digits: how 64-bit ids are written wherever they are no numbers. */
export function hexId(id: bigint): string {
  return id.toString(16).padStart(16, "0");
}
