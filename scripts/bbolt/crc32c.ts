/** CRC-32 with Castagnoli's polynomial, which Node's own does not know. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
  return value >>> 0;
});

export class Crc32c {
  #state = 0xffff_ffff;

  add(bytes: Uint8Array): void {
    let state = this.#state;
    for (const byte of bytes) state = (TABLE[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8);
    this.#state = state >>> 0;
  }

  /** Of all bytes so far. */
  get value(): number {
    return (this.#state ^ 0xffff_ffff) >>> 0;
  }
}
