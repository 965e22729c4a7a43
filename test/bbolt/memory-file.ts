/** A file in memory, as the bbolt writer and reader want one. */
import type { PageSource } from "../../scripts/bbolt/bolt-reader.ts";
import type { PageSink } from "../../scripts/bbolt/bolt-writer.ts";

export class MemoryFile implements PageSink, PageSource {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get sizeBytes(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const end = position + bytes.length;
    this.#length = Math.max(this.#length, end);
    if (end > this.#bytes.length) {
      const longer = new Uint8Array(2 * end);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(bytes, position);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    if (position + length > this.#length) throw new Error("beyond the end of the file");
    return this.#bytes.slice(position, position + length);
  }
}
