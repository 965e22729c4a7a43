/**
 * A 64-bit hash of a sequence of numbers and byte strings, for comparing replicas in tests and by
 * `hashkv`: two 32-bit lanes of FNV-1a with different seeds. Not for anything an adversary may choose.
 */
export class Hasher {
  #low: number;
  #high: number;

  /** Without lanes from the beginning, else from where another one stood. */
  constructor(low = 0x811c9dc5, high = 0x9e3779b9) {
    this.#low = low;
    this.#high = high;
  }

  /** A safe integer, as 8 bytes. */
  number(value: number): this {
    // Two's complement without BigInt: the high half carries the sign.
    this.#word(value >>> 0);
    this.#word(Math.floor(value / 0x1_0000_0000) >>> 0);
    return this;
  }

  /** Bytes with their length, so that neighbours cannot be shifted into each other. */
  bytes(value: Uint8Array): this {
    this.number(value.length);
    // Fields are slow here, and this is where the time goes.
    let low = this.#low;
    let high = this.#high;
    for (let i = 0; i < value.length; i += 1) {
      const byte = value[i] ?? 0;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte, 0x01000193) + (high >>> 15);
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  /** The lanes as they stand. */
  state(): { readonly low: number; readonly high: number } {
    return { low: this.#low >>> 0, high: this.#high >>> 0 };
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  #word(word: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#byte((word >>> shift) & 0xff);
  }

  #byte(byte: number): void {
    this.#low = Math.imul(this.#low ^ byte, 0x01000193);
    this.#high = Math.imul(this.#high ^ byte, 0x01000193) + (this.#high >>> 15);
  }
}
