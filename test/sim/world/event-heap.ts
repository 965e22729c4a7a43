/** Events by time, and in the order they were planned where times are equal. */
import { defined } from "../../../src/base/assert.ts";

export interface Planned {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class EventHeap {
  readonly #heap: Planned[] = [];
  #sequence = 0;

  plan(atMs: number, run: () => void): Planned {
    this.#sequence += 1;
    const event: Planned = { atMs, sequence: this.#sequence, run, cancelled: false };
    this.#heap.push(event);
    this.#up(this.#heap.length - 1);
    return event;
  }

  /** The time of the next event that was not cancelled; null for none. */
  nextAtMs(): number | null {
    while (this.#heap[0]?.cancelled === true) this.#removeFirst();
    return this.#heap[0]?.atMs ?? null;
  }

  take(): Planned {
    return this.#removeFirst();
  }

  get size(): number {
    return this.#heap.length;
  }

  #removeFirst(): Planned {
    const first = defined(this.#heap[0], "the heap is empty");
    const last = defined(this.#heap.pop(), "the heap is empty");
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a] as Planned;
    const right = this.#heap[b] as Planned;
    return left.atMs !== right.atMs ? left.atMs < right.atMs : left.sequence < right.sequence;
  }

  #swap(a: number, b: number): void {
    const left = this.#heap[a] as Planned;
    this.#heap[a] = this.#heap[b] as Planned;
    this.#heap[b] = left;
  }

  #up(start: number): void {
    let child = start;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(start: number): void {
    let parent = start;
    for (;;) {
      let smallest = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && this.#before(child, smallest)) smallest = child;
      }
      if (smallest === parent) return;
      this.#swap(parent, smallest);
      parent = smallest;
    }
  }
}
