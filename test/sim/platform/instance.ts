/** One start of an object: a host with its memory, timers and the calls it is working on. */
import { defined } from "../../../src/base/assert.ts";
import type { ReplicaHost } from "../../../src/durable/replica-host.ts";
import type { Writer } from "../disk/sim-disk.ts";
import type { Actor } from "../world/world.ts";
import type { ClockLooks } from "./clock-looks.ts";

/** What the caller of an object is told when the object is reset under its call. */
export type Reset = (reason: Error) => void;

export interface InstanceParts {
  readonly name: string;
  readonly incarnation: number;
  readonly clock: ClockLooks;
  /** Called at the end of each of its events. */
  readonly left: (instance: Instance) => void;
}

export class Instance implements Actor, Writer {
  readonly name: string;
  readonly incarnation: number;
  readonly clock: ClockLooks;
  readonly #left: (instance: Instance) => void;
  /** Set by the object right after it is built, in the instance's first event. */
  host: ReplicaHost | null = null;
  alive = true;
  /** False once another instance runs: every write fails. */
  isCurrent = true;
  written = 0;
  /** Set when a write failed or an invariant broke: nothing gated leaves any more. */
  broken = false;
  /** Broken since before its newest event: nothing of that has left. */
  mute = false;
  readonly calls = new Set<Reset>();

  constructor({ name, incarnation, clock, left }: InstanceParts) {
    this.name = name;
    this.clock = clock;
    this.incarnation = incarnation;
    this.#left = left;
  }

  leave(): void {
    this.#left(this);
  }

  /** The memory is gone; whoever waits for an answer learns that the object was reset. */
  end(reason: Error): void {
    this.alive = false;
    this.isCurrent = false;
    const calls = [...this.calls];
    this.calls.clear();
    for (const reset of calls) reset(reason);
  }
}

export function hostOf(instance: Instance): ReplicaHost {
  return defined(instance.host, "the host is built by the first event");
}
