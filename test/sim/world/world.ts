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

/** Events between two looks at the real event loop, so that signals are heard. */
const SLICE_EVENTS = 512;

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
  readonly #stackTraceLimit = Error.stackTraceLimit;
  readonly #unhandled = (reason: unknown): void => {
    this.fail(reason instanceof Error ? reason : new Error(String(reason)));
  };

  constructor(trace: Trace) {
    this.trace = trace;
    process.on("unhandledRejection", this.#unhandled);
    // Calls fail all the time here, and a stack costs as much as an event: traced runs have them.
    if (!trace.isWanted) Error.stackTraceLimit = 0;
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
  after(delayMs: number, run: () => void): Planned {
    assert(delayMs >= 0, "events cannot be planned in the past");
    return this.#events.plan(this.#now + delayMs, run);
  }

  /** Plans simulator code for a moment: what is planned for one moment keeps its order. */
  at(atMs: number, run: () => void): Planned {
    return this.#events.plan(Math.max(this.#now, atMs), run);
  }

  /** Plans code of `actor`, to be run in its name unless it is gone by then. */
  afterFor(delayMs: number, actor: Actor, run: () => void): Planned {
    return this.after(delayMs, () => this.runAs(actor, run));
  }

  /** Runs `body` and everything that follows from it as one event of `actor`. */
  runAs(actor: Actor, body: () => void): void {
    assert(this.#actor === null, "events do not nest");
    if (!actor.alive) return;
    this.#actor = actor;
    try {
      body();
      drainPromises();
    } finally {
      this.#actor = null;
    }
    actor.leave();
  }

  /** Handles events until there is none before `untilMs`, or `done` says so after one of them. */
  run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      // Promises are drained between events, which only code that no promise has called can do.
      const slice = (): void => {
        try {
          if (this.#runSlice(untilMs, done)) resolve();
          else setImmediate(slice);
        } catch (error) {
          reject(error);
        }
      };
      setImmediate(slice);
    });
  }

  /** True once there is nothing more to do. */
  #runSlice(untilMs: number, done: () => boolean): boolean {
    for (let handled = 0; handled < SLICE_EVENTS; handled += 1) {
      const at = this.#events.nextAtMs();
      if (at === null || at > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return true;
      }
      const event = this.#events.take();
      this.#still = at === this.#now ? this.#still + 1 : 0;
      if (this.#still > STILL_EVENTS_MAX) violated("no-spin", `time stands still at ${at} ms`);
      this.#now = at;
      this.#steps += 1;
      event.run();
      if (this.#failure !== null) throw this.#failure;
      if (done()) return true;
    }
    return false;
  }

  /** Gives the real timers back. */
  close(): void {
    process.off("unhandledRejection", this.#unhandled);
    Error.stackTraceLimit = this.#stackTraceLimit;
    this.#timers.uninstall();
  }

  #actorTimer(delayMs: number, fire: () => void): Planned {
    const actor = this.#actor;
    assert(actor !== null, "only an actor's code sets timers");
    return this.afterFor(Math.max(0, delayMs), actor, fire);
  }
}

/**
 * Runs every promise's reaction that is due, and what follows from those, and reports rejections that
 * nobody handles. Node's own end of an event; it does nothing when a promise's reaction calls it.
 */
const drainPromises: () => void = Reflect.get(process, "_tickCallback");
assert(typeof drainPromises === "function", "this Node does not give its microtasks away");
