import { compareBytes } from "../base/bytes.ts";
import { type Interval, successor } from "./interval.ts";

interface Piece {
  readonly from: Uint8Array;
  readonly end: Uint8Array;
}

/**
 * A union of bounded intervals that can be asked for a key. Kept sorted and disjoint on demand, so
 * that a transaction of many deletes and many puts costs no product of the two.
 */
export class IntervalSet {
  #pieces: Piece[] = [];
  #isSorted = true;

  /** Adds an interval. Open-ended and upside-down ones hold no key here, as in etcd's own check. */
  add(interval: Interval): void {
    if (interval.kind === "key") this.#push({ from: interval.key, end: successor(interval.key) });
    else if (interval.end !== null) this.#push({ from: interval.from, end: interval.end });
  }

  addAll(other: IntervalSet): void {
    for (const piece of other.#pieces) this.#push(piece);
  }

  has(key: Uint8Array): boolean {
    this.#sort();
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = this.#pieces[middle];
      if (piece !== undefined && compareBytes(piece.end, key) <= 0) low = middle + 1;
      else high = middle;
    }
    const candidate = this.#pieces[low];
    return candidate !== undefined && compareBytes(candidate.from, key) <= 0;
  }

  #push(piece: Piece): void {
    if (compareBytes(piece.from, piece.end) >= 0) return;
    this.#pieces.push(piece);
    this.#isSorted = false;
  }

  #sort(): void {
    if (this.#isSorted) return;
    const merged: Piece[] = [];
    for (const piece of this.#pieces.sort((a, b) => compareBytes(a.from, b.from))) {
      const last = merged.at(-1);
      if (last === undefined || compareBytes(last.end, piece.from) < 0) merged.push(piece);
      else if (compareBytes(last.end, piece.end) < 0)
        merged[merged.length - 1] = { from: last.from, end: piece.end };
    }
    this.#pieces = merged;
    this.#isSorted = true;
  }
}
