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
    this.#rise(event);
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
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  /** Puts `event` where it belongs, from the end up. */
  #rise(event: Planned): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Planned;
      if (!isBefore(event, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  /** Puts `event` where it belongs, from the top down; what was at the top is gone. */
  #sink(event: Planned): void {
    const heap = this.#heap;
    let place = 0;
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      let child = heap[below] as Planned;
      const other = heap[below + 1];
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        below += 1;
      }
      if (!isBefore(child, event)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = event;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.sequence < b.sequence;
}
