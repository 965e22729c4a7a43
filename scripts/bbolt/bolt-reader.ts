/** Reads a bbolt database, a page at a time: the pairs of its top-level buckets in key order. */

import type { Pair } from "./bolt-writer.ts";
import {
  BUCKET_BYTES,
  ELEMENT_BYTES,
  FLAG_BRANCH,
  FLAG_BUCKET,
  FLAG_LEAF,
  FLAG_META,
  fnv64,
  MAGIC,
  META_BYTES,
  PAGE_HEADER_BYTES,
  VERSION,
  viewOf,
} from "./layout.ts";

/** Where the database comes from. */
export interface PageSource {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `position` on. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** The file is no database, or a damaged one. */
export class BoltError extends Error {
  override readonly name = "BoltError";
}

/** A tree deeper than this is damaged: a branch of two children at least needs so many levels for 2^30 pages. */
const DEPTH_MAX = 30;
const PAGE_SIZES = [4096, 8192, 16_384, 65_536, 1024, 2048, 32_768];

interface Meta {
  readonly pageBytes: number;
  readonly root: number;
  readonly pages: number;
  readonly transaction: bigint;
}

interface LeafElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly isBucket: boolean;
}

export class BoltReader {
  readonly #source: PageSource;
  readonly #meta: Meta;

  private constructor(source: PageSource, meta: Meta) {
    this.#source = source;
    this.#meta = meta;
  }

  static async open(source: PageSource): Promise<BoltReader> {
    const metas: Meta[] = [];
    const first = await readMeta(source, 0);
    if (first !== null) metas.push(first);
    for (const pageBytes of first === null ? PAGE_SIZES : [first.pageBytes]) {
      const second = await readMeta(source, pageBytes);
      if (second !== null) metas.push(second);
    }
    const newest = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1))[0];
    if (newest === undefined)
      throw new BoltError("not a bbolt database: neither of its first pages is valid");
    return new BoltReader(source, newest);
  }

  /** All pages, free ones included. */
  get databaseBytes(): number {
    return this.#meta.pages * this.#meta.pageBytes;
  }

  /** The pairs of a top-level bucket; none if there is no such bucket. Buckets inside are left out. */
  async *pairs(name: string): AsyncGenerator<Pair, void> {
    const bucket = await this.#find(Buffer.from(name));
    if (bucket === null) return;
    for await (const { key, value, isBucket } of this.#bucket(bucket)) if (!isBucket) yield [key, value];
  }

  /** The names of the top-level buckets. */
  async names(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { key, isBucket } of this.#walk(this.#meta.root, 0)) {
      if (isBucket) names.push(Buffer.from(key).toString());
    }
    return names;
  }

  async #find(name: Uint8Array): Promise<Uint8Array | null> {
    for await (const { key, value, isBucket } of this.#walk(this.#meta.root, 0)) {
      if (isBucket && Buffer.compare(key, name) === 0) return value;
    }
    return null;
  }

  async *#bucket(value: Uint8Array): AsyncGenerator<LeafElement, void> {
    if (value.length < BUCKET_BYTES) throw new BoltError("a bucket is cut short");
    const root = Number(viewOf(value).getBigUint64(0, true));
    if (root === 0) yield* leafElements(value.subarray(BUCKET_BYTES));
    else yield* this.#walk(root, 0);
  }

  async *#walk(id: number, depth: number): AsyncGenerator<LeafElement, void> {
    if (depth > DEPTH_MAX) throw new BoltError("the pages lead in a circle");
    const bytes = await this.#page(id);
    const flags = viewOf(bytes).getUint16(8, true);
    if (flags === FLAG_LEAF) yield* leafElements(bytes);
    else if (flags === FLAG_BRANCH) for (const child of children(bytes)) yield* this.#walk(child, depth + 1);
    else throw new BoltError(`page ${id} has the unexpected kind ${flags}`);
  }

  async #page(id: number): Promise<Uint8Array> {
    const { pageBytes, pages } = this.#meta;
    if (id >= pages) throw new BoltError(`page ${id} is beyond the end of the database`);
    const header = await this.#source.read(id * pageBytes, PAGE_HEADER_BYTES);
    const view = viewOf(header);
    if (Number(view.getBigUint64(0, true)) !== id) throw new BoltError(`page ${id} is damaged`);
    const overflow = view.getUint32(12, true);
    if (id + overflow >= pages) throw new BoltError(`page ${id} runs beyond the end of the database`);
    return this.#source.read(id * pageBytes, (overflow + 1) * pageBytes);
  }
}

async function readMeta(source: PageSource, position: number): Promise<Meta | null> {
  const length = PAGE_HEADER_BYTES + META_BYTES;
  if (position + length > source.sizeBytes) return null;
  const bytes = await source.read(position, length);
  if ((viewOf(bytes).getUint16(8, true) & FLAG_META) === 0) return null;
  const meta = bytes.subarray(PAGE_HEADER_BYTES);
  const view = viewOf(meta);
  const isKnown = view.getUint32(0, true) === MAGIC && view.getUint32(4, true) === VERSION;
  if (!isKnown || view.getBigUint64(56, true) !== fnv64(meta.subarray(0, 56))) return null;
  return {
    pageBytes: view.getUint32(8, true),
    root: Number(view.getBigUint64(16, true)),
    pages: Number(view.getBigUint64(40, true)),
    transaction: view.getBigUint64(48, true),
  };
}

function* leafElements(bytes: Uint8Array): Generator<LeafElement, void> {
  const view = viewOf(bytes);
  const count = view.getUint16(10, true);
  for (let i = 0; i < count; i += 1) {
    const element = PAGE_HEADER_BYTES + ELEMENT_BYTES * i;
    const start = element + view.getUint32(element + 4, true);
    const keyEnd = start + view.getUint32(element + 8, true);
    const end = keyEnd + view.getUint32(element + 12, true);
    if (end > bytes.length) throw new BoltError("an element runs beyond its page");
    const isBucket = (view.getUint32(element, true) & FLAG_BUCKET) !== 0;
    yield { key: bytes.subarray(start, keyEnd), value: bytes.subarray(keyEnd, end), isBucket };
  }
}

function* children(bytes: Uint8Array): Generator<number, void> {
  const view = viewOf(bytes);
  const count = view.getUint16(10, true);
  for (let i = 0; i < count; i += 1) {
    const element = PAGE_HEADER_BYTES + ELEMENT_BYTES * i;
    yield Number(view.getBigUint64(element + 8, true));
  }
}
