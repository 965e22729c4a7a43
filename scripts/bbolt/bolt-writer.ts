/**
 * Writes a bbolt database from pairs that come in key order: leaves one after another as they fill,
 * the branches above them, the list of buckets, and at last the two meta pages at the front. Memory
 * grows with the number of leaves only.
 */
import {
  BUCKET_BYTES,
  ELEMENT_BYTES,
  FLAG_BRANCH,
  FLAG_BUCKET,
  FLAG_FREELIST,
  FLAG_LEAF,
  FLAG_META,
  fnv64,
  MAGIC,
  META_BYTES,
  PAGE_BYTES,
  PAGE_HEADER_BYTES,
  VERSION,
  viewOf,
} from "./layout.ts";

export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** Where the database goes. Pages come in order, but for the first two, which come last. */
export interface PageSink {
  write(bytes: Uint8Array, position: number): Promise<void>;
}

interface Element {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly flags: number;
}

/** A page of the level below, by its first key. */
interface Child {
  readonly key: Uint8Array;
  readonly page: number;
}

const FREELIST_PAGE = 2;
const FIRST_FREE_PAGE = 3;
/** The page header counts elements in 16 bits; a page of this size holds fewer anyway. */
const LEAF_DATA_BYTES = PAGE_BYTES - PAGE_HEADER_BYTES;
const TRANSACTIONS = [0n, 1n] as const;

export class BoltWriter {
  readonly #sink: PageSink;
  readonly #buckets: Element[] = [];
  #nextPage = FIRST_FREE_PAGE;

  constructor(sink: PageSink) {
    this.#sink = sink;
  }

  /** Writes one bucket. Buckets may come in any order, the pairs of each must be in key order. */
  async bucket(name: Uint8Array, pairs: AsyncIterable<Pair> | Iterable<Pair>): Promise<void> {
    const leaves = await this.#writeLeaves(elementsOf(pairs));
    const value = leaves.length === 0 ? emptyBucket() : bucketAt(await this.#writeBranches(leaves));
    this.#buckets.push({ key: name, value, flags: FLAG_BUCKET });
  }

  /** Writes what leads to the buckets. Returns the size of the database in bytes. */
  async finish(): Promise<number> {
    this.#buckets.sort((a, b) => Buffer.compare(a.key, b.key));
    const leaves = await this.#writeLeaves(elementsOf(this.#buckets.map((bucket) => bucket)));
    const root = leaves.length === 0 ? await this.#emptyLeaf() : await this.#writeBranches(leaves);
    const freelist = page(FREELIST_PAGE, FLAG_FREELIST, 0, 0, PAGE_BYTES);
    await this.#sink.write(freelist, FREELIST_PAGE * PAGE_BYTES);
    for (const [id, transaction] of TRANSACTIONS.entries()) {
      await this.#sink.write(metaPage(id, root, this.#nextPage, transaction), id * PAGE_BYTES);
    }
    return this.#nextPage * PAGE_BYTES;
  }

  async #writeLeaves(elements: AsyncIterable<Element>): Promise<Child[]> {
    const children: Child[] = [];
    let gathered: Element[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const [first] = gathered;
      if (first === undefined) return;
      children.push({ key: first.key, page: await this.#writeLeaf(gathered, bytes) });
      gathered = [];
      bytes = 0;
    };
    for await (const element of elements) {
      const size = ELEMENT_BYTES + element.key.length + element.value.length;
      if (bytes + size > LEAF_DATA_BYTES) await flush();
      gathered.push(element);
      bytes += size;
    }
    await flush();
    return children;
  }

  /** A single large element makes a page that runs on over the next ones. */
  async #writeLeaf(elements: readonly Element[], dataBytes: number): Promise<number> {
    const { id, bytes } = this.#take(FLAG_LEAF, elements.length, dataBytes);
    const view = viewOf(bytes);
    let at = PAGE_HEADER_BYTES + ELEMENT_BYTES * elements.length;
    for (const [position, { key, value, flags }] of elements.entries()) {
      const element = PAGE_HEADER_BYTES + ELEMENT_BYTES * position;
      view.setUint32(element, flags, true);
      view.setUint32(element + 4, at - element, true);
      view.setUint32(element + 8, key.length, true);
      view.setUint32(element + 12, value.length, true);
      bytes.set(key, at);
      bytes.set(value, at + key.length);
      at += key.length + value.length;
    }
    await this.#sink.write(bytes, id * PAGE_BYTES);
    return id;
  }

  /** Levels of branches until one page leads to all. */
  async #writeBranches(children: readonly Child[]): Promise<number> {
    const [only] = children;
    if (children.length === 1 && only !== undefined) return only.page;
    const above: Child[] = [];
    let gathered: Child[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const [first] = gathered;
      if (first === undefined) return;
      above.push({ key: first.key, page: await this.#writeBranch(gathered, bytes) });
      gathered = [];
      bytes = 0;
    };
    for (const child of children) {
      const size = ELEMENT_BYTES + child.key.length;
      // A branch of one child would be a level for nothing.
      if (bytes + size > LEAF_DATA_BYTES && gathered.length > 1) await flush();
      gathered.push(child);
      bytes += size;
    }
    await flush();
    return this.#writeBranches(above);
  }

  async #writeBranch(children: readonly Child[], dataBytes: number): Promise<number> {
    const { id, bytes } = this.#take(FLAG_BRANCH, children.length, dataBytes);
    const view = viewOf(bytes);
    let at = PAGE_HEADER_BYTES + ELEMENT_BYTES * children.length;
    for (const [position, { key, page: child }] of children.entries()) {
      const element = PAGE_HEADER_BYTES + ELEMENT_BYTES * position;
      view.setUint32(element, at - element, true);
      view.setUint32(element + 4, key.length, true);
      view.setBigUint64(element + 8, BigInt(child), true);
      bytes.set(key, at);
      at += key.length;
    }
    await this.#sink.write(bytes, id * PAGE_BYTES);
    return id;
  }

  async #emptyLeaf(): Promise<number> {
    const { id, bytes } = this.#take(FLAG_LEAF, 0, 0);
    await this.#sink.write(bytes, id * PAGE_BYTES);
    return id;
  }

  #take(
    flags: number,
    count: number,
    dataBytes: number,
  ): { readonly id: number; readonly bytes: Uint8Array } {
    const id = this.#nextPage;
    const pages = Math.max(1, Math.ceil((PAGE_HEADER_BYTES + dataBytes) / PAGE_BYTES));
    this.#nextPage += pages;
    return { id, bytes: page(id, flags, count, pages - 1, pages * PAGE_BYTES) };
  }
}

async function* elementsOf(
  pairs: AsyncIterable<Pair | Element> | Iterable<Pair | Element>,
): AsyncGenerator<Element, void> {
  for await (const pair of pairs) {
    yield "key" in pair ? pair : { key: pair[0], value: pair[1], flags: 0 };
  }
}

function page(id: number, flags: number, count: number, overflow: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(id), true);
  view.setUint16(8, flags, true);
  view.setUint16(10, count, true);
  view.setUint32(12, overflow, true);
  return bytes;
}

function bucketAt(root: number): Uint8Array {
  const value = new Uint8Array(BUCKET_BYTES);
  viewOf(value).setBigUint64(0, BigInt(root), true);
  return value;
}

/** A bucket without pairs keeps its one page, an empty leaf, in its own value. */
function emptyBucket(): Uint8Array {
  const value = new Uint8Array(BUCKET_BYTES + PAGE_HEADER_BYTES);
  value.set(page(0, FLAG_LEAF, 0, 0, PAGE_HEADER_BYTES), BUCKET_BYTES);
  return value;
}

function metaPage(id: number, root: number, pages: number, transaction: bigint): Uint8Array {
  const bytes = page(id, FLAG_META, 0, 0, PAGE_BYTES);
  const meta = bytes.subarray(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + META_BYTES);
  const view = viewOf(meta);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, PAGE_BYTES, true);
  view.setBigUint64(16, BigInt(root), true);
  view.setBigUint64(32, BigInt(FREELIST_PAGE), true);
  view.setBigUint64(40, BigInt(pages), true);
  view.setBigUint64(48, transaction, true);
  view.setBigUint64(56, fnv64(meta.subarray(0, 56)), true);
  return bytes;
}
