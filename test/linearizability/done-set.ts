/**
 * A set of operation numbers 0..size-1 that fills up roughly in order. Its signature covers only the
 * words between the first hole and the last member, so it stays short however long the history is.
 */
const WORD_BITS = 16;
const FULL = 0xffff;

export class DoneSet {
  readonly #words: Uint16Array;
  /** The first word that is not full. */
  #low = 0;
  /** The last word that is not empty; -1 for none. */
  #high = -1;

  constructor(size: number) {
    this.#words = new Uint16Array(Math.ceil(size / WORD_BITS) + 1);
  }

  add(member: number): void {
    const word = member >> 4;
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (member & 15));
    if (word > this.#high) this.#high = word;
    while (this.#words[this.#low] === FULL) this.#low += 1;
  }

  remove(member: number): void {
    const word = member >> 4;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (member & 15));
    if (word < this.#low) this.#low = word;
    while (this.#high >= 0 && this.#words[this.#high] === 0) this.#high -= 1;
  }

  /** Equal texts if and only if the sets are equal. */
  signature(): string {
    const window = this.#words.subarray(this.#low, Math.max(this.#low, this.#high + 1));
    let text = String.fromCharCode(this.#low & FULL, this.#low >>> WORD_BITS, window.length & FULL);
    for (const word of window) text += String.fromCharCode(word);
    return text;
  }
}
