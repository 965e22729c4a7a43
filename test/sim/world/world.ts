/**
 * Virtual time and the one loop: events run one after another, and each runs to its end, promises
 * included, before the next one begins.
 */
import { assert } from "../../../src/base/assert.ts";
import { violated } from "../../raft/invariants/violation.ts";
import { EventHeap, type Planned } from "./event-heap.ts";
import type { Trace } from "./trace.ts";
import { installVirtualTimers, type VirtualTimers } from "./virtual-timers.ts";

/** Something with a memory of its own in which code runs: an object's instance, or a gateway. */
export interface Actor {
  readonly name: string;
  /** False once its memory is gone: nothing of it runs any more. */
  readonly alive: boolean;
  /** Called when an event has run to its end. */
  leave(): void;
}

/** A timer that finds nothing due and is armed for the same moment again goes round for ever. */
const STILL_EVENTS_MAX = 5_000;

export class World {
  readonly trace: Trace;
  readonly #events = new EventHeap();
  readonly #timers: VirtualTimers;
  #now = 0;
  #actor: Actor | null = null;
  #steps = 0;
  /** Events in a row that took no time. */
  #still = 0;
  #failure: Error | null = null;
  readonly #unhandled = (reason: unknown): void => {
    this.fail(reason instanceof Error ? reason : new Error(String(reason)));
  };

  constructor(trace: Trace) {
    this.trace = trace;
    process.on("unhandledRejection", this.#unhandled);
    this.#timers = installVirtualTimers((delayMs, fire) => this.#actorTimer(delayMs, fire));
  }

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now;
  }

  /** Events handled so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Whose code runs now; null between events and in the simulator's own. */
  get actor(): Actor | null {
    return this.#actor;
  }

  /** Ends the run with `error`; for code whose exceptions others would catch. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Plans simulator code. */
  after(delayMs: number, run: () => unknown): Planned {
    assert(delayMs >= 0, "events cannot be planned in the past");
    return this.#events.plan(this.#now + delayMs, run);
  }

  /** Plans simulator code for a moment: what is planned for one moment keeps its order. */
  at(atMs: number, run: () => unknown): Planned {
    return this.#events.plan(Math.max(this.#now, atMs), run);
  }

  /** Plans code of `actor`, to be run in its name unless it is gone by then. */
  afterFor(delayMs: number, actor: Actor, run: () => void): Planned {
    return this.after(delayMs, () => this.runAs(actor, run));
  }

  /** Runs `body` and everything that follows from it as one event of `actor`. */
  async runAs(actor: Actor, body: () => void): Promise<void> {
    assert(this.#actor === null, "events do not nest");
    if (!actor.alive) return;
    this.#actor = actor;
    try {
      body();
      await drain();
    } finally {
      this.#actor = null;
    }
    actor.leave();
  }

  /** Handles events until there is none before `untilMs`, or `done` says so after one of them. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    for (;;) {
      const at = this.#events.nextAtMs();
      if (at === null || at > untilMs) break;
      const event = this.#events.take();
      this.#still = at === this.#now ? this.#still + 1 : 0;
      if (this.#still > STILL_EVENTS_MAX) violated("no-spin", `time stands still at ${at} ms`);
      this.#now = at;
      this.#steps += 1;
      const pending = event.run();
      if (pending instanceof Promise) await pending;
      if (this.#failure !== null) throw this.#failure;
      if (done()) return;
    }
    this.#now = Math.max(this.#now, untilMs);
  }

  /** Gives the real timers back. */
  close(): void {
    process.off("unhandledRejection", this.#unhandled);
    this.#timers.uninstall();
  }

  #actorTimer(delayMs: number, fire: () => void): () => void {
    const { actor } = this;
    assert(actor !== null, "only an actor's code sets timers");
    const planned = this.afterFor(Math.max(0, delayMs), actor, fire);
    return () => {
      planned.cancelled = true;
    };
  }
}

const realSetImmediate = globalThis.setImmediate;

/** Returns when no promise has anything left to do. */
function drain(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve);
  });
}
