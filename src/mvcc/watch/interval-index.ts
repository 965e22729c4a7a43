import { toHex } from "../../base/bytes.ts";
import type { Interval } from "../interval.ts";
import { SpanTree } from "./span-tree.ts";

/**
 * Who is interested in which keys. What a key costs to look up depends on how many are interested in
 * it, hardly on how many others there are.
 */
export class IntervalIndex<T> {
  readonly #keys = new Map<string, Set<T>>();
  readonly #spans = new SpanTree<T>();

  add(interval: Interval, item: T): void {
    if (interval.kind === "span") {
      this.#spans.add(interval, item);
      return;
    }
    const name = toHex(interval.key);
    const known = this.#keys.get(name);
    if (known === undefined) this.#keys.set(name, new Set([item]));
    else known.add(item);
  }

  remove(interval: Interval, item: T): void {
    if (interval.kind === "span") {
      this.#spans.remove(interval, item);
      return;
    }
    const name = toHex(interval.key);
    const known = this.#keys.get(name);
    if (known === undefined) return;
    known.delete(item);
    if (known.size === 0) this.#keys.delete(name);
  }

  /** Everybody interested in `key`, in no particular order. */
  match(key: Uint8Array): T[] {
    const found = [...(this.#keys.get(toHex(key)) ?? [])];
    this.#spans.match(key, (item) => found.push(item));
    return found;
  }
}
