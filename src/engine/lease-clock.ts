import TinyQueue from "tinyqueue";

/** A lease as its leader keeps its time. */
export interface TimedLease {
  readonly id: bigint;
  /** Which grant of this id, as in its record. */
  readonly granted: bigint;
  readonly ttlMs: number;
  /** When it expires, unless it is renewed. */
  deadline: number;
  /** When to note in the log how long it still has. */
  checkpointAt: number;
  /** The log may hold a shorter time than the whole: a renewal must be noted there first. */
  isCheckpointed: boolean;
  /** Renewals that wait for the log. */
  renewals: number;
  /** Its end is on the way through the log. */
  isRevoking: boolean;
  isGone: boolean;
}

/** A place in the queue. A lease that was renewed meanwhile is queued anew when its old time comes. */
interface Wake {
  readonly at: number;
  readonly lease: TimedLease;
}

/** Places of leases that are gone are swept out above this, once they are the most. */
const SWEEP_MIN = 1_024;

/** All leases in the order in which something is due. A renewal costs nothing here. */
export class LeaseClock {
  readonly #leases = new Map<bigint, TimedLease>();
  #queue = newQueue([]);

  get(id: bigint): TimedLease | null {
    return this.#leases.get(id) ?? null;
  }

  add(lease: TimedLease): void {
    this.remove(lease.id);
    this.#leases.set(lease.id, lease);
    this.schedule(lease, nextWake(lease));
  }

  remove(id: bigint): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.isGone = true;
    this.#leases.delete(id);
    if (this.#queue.length > SWEEP_MIN && this.#queue.length > 2 * this.#leases.size) {
      this.#queue = newQueue(this.#queue.data.filter((wake) => !wake.lease.isGone));
    }
  }

  /** Queues a lease that `takeDue` returned. */
  schedule(lease: TimedLease, at: number = nextWake(lease)): void {
    this.#queue.push({ at, lease });
  }

  /** Up to `max` leases whose time may have come, out of the queue: whoever takes them queues them again. */
  takeDue(now: number, max: number): readonly TimedLease[] {
    const due: TimedLease[] = [];
    while (due.length < max) {
      const wake = this.#queue.peek();
      if (wake === undefined || wake.at > now) break;
      this.#queue.pop();
      if (!wake.lease.isGone) due.push(wake.lease);
    }
    return due;
  }

  /** When `takeDue` may have something; null for never. */
  get nextAt(): number | null {
    return this.#queue.peek()?.at ?? null;
  }

  /** The soonest to expire first. */
  byExpiry(): readonly TimedLease[] {
    return [...this.#leases.values()].sort((a, b) => a.deadline - b.deadline || (a.id < b.id ? -1 : 1));
  }
}

function nextWake({ deadline, checkpointAt }: TimedLease): number {
  return Math.min(deadline, checkpointAt);
}

function newQueue(wakes: Wake[]): TinyQueue<Wake> {
  return new TinyQueue(wakes, (a, b) => a.at - b.at);
}
