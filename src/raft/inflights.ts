/** The appends sent to one follower and not yet acknowledged: a window by count and by bytes. */
export class Inflights {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  /** Oldest first; `index` is the last entry of the append. */
  #sent: { readonly index: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#sent.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One append may exceed the byte window, but only alone: an oversized entry must still travel. */
  get full(): boolean {
    return this.#sent.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(index: number, bytes: number): void {
    this.#sent.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Frees everything up to and including the append that ends at `index`. */
  freeTo(index: number): void {
    let count = 0;
    for (const sent of this.#sent) {
      if (sent.index > index) break;
      this.#bytes -= sent.bytes;
      count += 1;
    }
    if (count > 0) this.#sent = this.#sent.slice(count);
  }

  reset(): void {
    this.#sent = [];
    this.#bytes = 0;
  }
}
