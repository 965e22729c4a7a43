/** One queue per directed link, all of it under the test's control. */
import type { NodeId } from "../../../src/raft/types.ts";
import type { Frame } from "./frame.ts";

export class Network {
  readonly #queues = new Map<string, Frame[]>();
  readonly #cut = new Set<string>();
  /** Frames ever taken from a queue to be delivered. */
  deliveredCount = 0;

  /** A frame sent into a cut link is lost. */
  send(frame: Frame): boolean {
    if (this.isCut(frame.from, frame.to)) return false;
    this.#queue(frame.from, frame.to).push(frame);
    return true;
  }

  /** Links with something in them, in the order in which they were first used. */
  busyLinks(): { readonly from: NodeId; readonly to: NodeId; readonly count: number }[] {
    const busy = [];
    for (const [key, queue] of this.#queues) {
      const [from, to] = key.split(">");
      if (queue.length > 0 && from !== undefined && to !== undefined && !this.isCut(from, to)) {
        busy.push({ from, to, count: queue.length });
      }
    }
    return busy;
  }

  frames(from: NodeId, to: NodeId): readonly Frame[] {
    return this.#queue(from, to);
  }

  /** Takes the frame at `position` (0: the oldest) out of the link; null when there is none. */
  take(from: NodeId, to: NodeId, position = 0): Frame | null {
    if (this.isCut(from, to)) return null;
    const [frame] = this.#queue(from, to).splice(position, 1);
    if (frame === undefined) return null;
    this.deliveredCount += 1;
    return frame;
  }

  /** Loses the frame at `position`; returns it. */
  drop(from: NodeId, to: NodeId, position = 0): Frame | null {
    return this.#queue(from, to).splice(position, 1)[0] ?? null;
  }

  /** Repeats the frame at `position` at the end of the link. */
  duplicate(from: NodeId, to: NodeId, position = 0): Frame | null {
    const queue = this.#queue(from, to);
    const frame = queue[position];
    if (frame === undefined) return null;
    queue.push(frame);
    return frame;
  }

  /** Puts another frame in the place of the one at `position`. */
  replace(from: NodeId, to: NodeId, position: number, frame: Frame): void {
    this.#queue(from, to).splice(position, 1, frame);
  }

  /** Moves the newest frame of a link to its front. */
  overtake(from: NodeId, to: NodeId): Frame | null {
    const queue = this.#queue(from, to);
    const newest = queue.pop();
    if (newest === undefined) return null;
    queue.unshift(newest);
    return newest;
  }

  /** One way: what `from` sends to `to` is lost, what is under way waits for the link to heal. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(key(from, to));
  }

  heal(): void {
    this.#cut.clear();
  }

  healLink(from: NodeId, to: NodeId): void {
    this.#cut.delete(key(from, to));
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(key(from, to));
  }

  #queue(from: NodeId, to: NodeId): Frame[] {
    const name = key(from, to);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = [];
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

function key(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
