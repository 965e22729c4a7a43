/** Calls to objects in virtual time: each may be lost, repeated, late, or answered in vain. */
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { Instance } from "../platform/instance.ts";
import { disconnectedError } from "../platform/platform-error.ts";
import type { SimObject } from "../platform/sim-object.ts";
import type { Actor, World } from "../world/world.ts";
import type { Links } from "./links.ts";

/** Whose code makes a call. */
export interface Caller {
  readonly actor: Actor;
  readonly endpoint: number;
  /** Runs `leave` once everything the caller has written so far is durable. */
  readonly gated: (leave: () => void) => void;
  /** How long it does nothing from now on. */
  readonly busyForMs: () => number;
}

/** One call: what to do there, and what to tell observers as it leaves, and as its answer leaves. */
export interface Call<T> {
  readonly what: string;
  readonly to: SimObject;
  readonly handle: (instance: Instance) => T | Promise<T>;
  readonly departs: () => void;
  readonly answers: (value: T) => void;
  /** It is handled twice, which the platform itself never does with a call. */
  readonly repeated?: () => void;
}

export interface NetworkParts {
  readonly world: World;
  readonly links: Links;
  readonly faults: FaultPlan;
}

type Settle<T> = (outcome: { readonly value: T } | { readonly error: Error }) => void;

export class Network {
  readonly #parts: NetworkParts;
  /** Calls made so far, for the message budget. */
  calls = 0;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  call<T>(from: Caller, call: Call<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle: Settle<T> = (outcome) => {
        if (settled) return;
        settled = true;
        if ("value" in outcome) resolve(outcome.value);
        else reject(outcome.error);
      };
      from.gated(() => this.#depart(from, call, settle));
    });
  }

  #depart<T>(from: Caller, call: Call<T>, settle: Settle<T>): void {
    const { world, links, faults } = this.#parts;
    this.calls += 1;
    call.departs();
    const { index } = call.to;
    world.trace.note(
      world.now,
      "send",
      [from.endpoint, index],
      () => `${from.actor.name} ${call.what} to ${call.to.name}`,
    );
    if (links.isCut(from.endpoint, index) || faults.happens("drop")) {
      this.#lost(from, call.to, settle);
      return;
    }
    const arrivals = faults.happens("duplicate") ? 2 : 1;
    if (arrivals > 1) call.repeated?.();
    for (let i = 0; i < arrivals; i += 1) {
      world.after(links.delay(world.now, from.endpoint, index), () => this.#arrive(from, call, settle));
    }
  }

  /** Silence, until the caller's own deadline; or the platform notices. */
  #lost<T>(from: Caller, to: SimObject, settle: Settle<T>): void {
    const { faults } = this.#parts;
    if (faults.happens("fail-fast")) this.#answer(from, to, settle, { error: disconnectedError() });
  }

  #arrive<T>(from: Caller, call: Call<T>, settle: Settle<T>): void {
    const { to, what } = call;
    to.event(
      what,
      (instance) => {
        const failed = (error: Error): void => this.#return(from, to, settle, { error });
        instance.calls.add(failed);
        Promise.resolve(call.handle(instance)).then(
          (value) => this.#handled(from, call, settle, instance, failed, value),
          (error: unknown) => {
            if (instance.calls.delete(failed))
              failed(error instanceof Error ? error : new Error(String(error)));
          },
        );
      },
      () => this.#lost(from, to, settle),
    );
  }

  #handled<T>(
    from: Caller,
    call: Call<T>,
    settle: Settle<T>,
    instance: Instance,
    failed: (error: Error) => void,
    value: T,
  ): void {
    const { to } = call;
    to.disk.whenDurable(to.gate(instance), () => {
      // Already told that the object was reset.
      if (!instance.calls.delete(failed)) return;
      call.answers(value);
      this.#return(from, to, settle, { value });
    });
  }

  #return<T>(
    from: Caller,
    to: SimObject,
    settle: Settle<T>,
    outcome: { readonly value: T } | { readonly error: Error },
  ): void {
    const { links, faults } = this.#parts;
    if (links.isCut(to.index, from.endpoint) || faults.happens("drop-reply")) this.#lost(from, to, settle);
    else this.#answer(from, to, settle, outcome);
  }

  #answer<T>(
    from: Caller,
    to: SimObject,
    settle: Settle<T>,
    outcome: { readonly value: T } | { readonly error: Error },
  ): void {
    const { world, links } = this.#parts;
    world.after(links.delay(world.now, to.index, from.endpoint), () =>
      this.#resume(from, () => settle(outcome)),
    );
  }

  /** Whoever is busy hears of its answers when it is done. */
  #resume(from: Caller, settle: () => void): void {
    const { world } = this.#parts;
    if (!from.actor.alive) return;
    const busyMs = from.busyForMs();
    if (busyMs === 0) world.runAs(from.actor, settle);
    else world.after(busyMs, () => this.#resume(from, settle));
  }
}
