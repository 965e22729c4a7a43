import { compareBytes, EMPTY_BYTES } from "../../base/bytes.ts";
import { type Interval, type Span, successor } from "../interval.ts";

/**
 * Keys that somebody may touch: a union of intervals, adjoining ones merged, so that what is covered
 * by several together is covered. Never changed once made.
 */
export class KeySet {
  /** Sorted, disjoint, with room between them; an `end` of null goes to the end of the keyspace. */
  readonly #spans: readonly Span[];

  constructor(intervals: readonly Interval[]) {
    this.#spans = merge(intervals);
  }

  /**
   * Whether all of `interval` is covered. One whose end is not above its start holds no key, and as in
   * etcd still needs its start.
   */
  covers(interval: Interval): boolean {
    const { from, end } = asSpan(interval);
    const span = this.#lastFrom(from);
    if (span === undefined) return false;
    if (end === null) return span.end === null;
    return span.end === null || (compareBytes(span.end, from) > 0 && compareBytes(span.end, end) >= 0);
  }

  /** The spans of all keys that are not covered, in key order. */
  *gaps(): Generator<Span, void> {
    let from: Uint8Array = EMPTY_BYTES;
    for (const span of this.#spans) {
      if (compareBytes(from, span.from) < 0) yield { kind: "span", from, end: span.from };
      if (span.end === null) return;
      from = span.end;
    }
    yield { kind: "span", from, end: null };
  }

  /** The last span that begins at or before `key`. */
  #lastFrom(key: Uint8Array): Span | undefined {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const span = this.#spans[middle];
      if (span !== undefined && compareBytes(span.from, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#spans[low - 1];
  }
}

function asSpan(interval: Interval): Span {
  if (interval.kind === "span") return interval;
  return { kind: "span", from: interval.key, end: successor(interval.key) };
}

/** An empty key and an end that is not above the start name no keys, as in etcd. */
function holdsKeys({ from, end }: Span): boolean {
  return from.length > 0 && (end === null || compareBytes(from, end) < 0);
}

function merge(intervals: readonly Interval[]): readonly Span[] {
  const sorted = intervals
    .map(asSpan)
    .filter(holdsKeys)
    .sort((a, b) => compareBytes(a.from, b.from));
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last === undefined || (last.end !== null && compareBytes(last.end, span.from) < 0)) {
      merged.push(span);
    } else if (last.end !== null && (span.end === null || compareBytes(last.end, span.end) < 0)) {
      merged[merged.length - 1] = { ...last, end: span.end };
    }
  }
  return merged;
}
