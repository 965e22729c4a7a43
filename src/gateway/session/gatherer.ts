/**
 * Calls that share one: those that arrive together, and those that arrive while earlier ones are on
 * their way. A lone caller never waits.
 */
import { LIMITS } from "../../base/limits.ts";
import { withDeadline } from "../../transport/deadline.ts";
import type { Clock } from "../ports.ts";

/** How long calls wait for company while others are on their way. */
const LINGER_MS = 2;
/** With so much company they go at once. */
const COMPANY = 64;
const IN_FLIGHT_MAX = 8;
/** Calls whose times end so near to each other share one deadline. */
const ENDS_TOGETHER_MS = 100;
/** Calls of one event reach this place after different numbers of promises. */
const STEPS_TO_GATHER = 3;

export interface GathererParts<Call, Reply> {
  /**
   * One answer for each call, in their order; throws what the platform throws, and then all fail. They
   * have `timeoutMs` now.
   */
  readonly send: (calls: readonly Call[], timeoutMs: number) => Promise<readonly Reply[]>;
  readonly bytesOf: (call: Call) => number;
  readonly clock: Clock;
}

interface Waiting<Call, Reply> {
  readonly call: Call;
  readonly endsAtMs: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

export class Gatherer<Call extends { readonly timeoutMs: number }, Reply> {
  readonly #parts: GathererParts<Call, Reply>;
  #waiting: Waiting<Call, Reply>[] = [];
  #inFlight = 0;
  #isGathering = false;
  #isLingering = false;

  constructor(parts: GathererParts<Call, Reply>) {
    this.#parts = parts;
  }

  /** Ends within the call's time. */
  add(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const endsAtMs = this.#parts.clock.nowMs() + call.timeoutMs;
      this.#waiting.push({ call, endsAtMs, resolve, reject });
      if (!this.#isGathering) this.#gather();
    });
  }

  #gather(): void {
    this.#isGathering = true;
    let step = Promise.resolve();
    for (let left = STEPS_TO_GATHER; left > 1; left -= 1) step = step.then(() => undefined);
    step
      .then(() => {
        this.#isGathering = false;
        this.#sendDue();
      })
      .catch(() => undefined);
  }

  #sendDue(): void {
    while (this.#waiting.length > 0 && this.#inFlight < IN_FLIGHT_MAX) {
      if (this.#inFlight > 0 && this.#waiting.length < COMPANY) {
        this.#linger();
        return;
      }
      this.#sendNext();
    }
  }

  #linger(): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    this.#parts.clock
      .sleep(LINGER_MS)
      .then(() => {
        this.#isLingering = false;
        if (this.#waiting.length > 0 && this.#inFlight < IN_FLIGHT_MAX) this.#sendNext();
        this.#sendDue();
      })
      .catch(() => undefined);
  }

  #sendNext(): void {
    const batch = this.#takeBatch();
    this.#inFlight += 1;
    this.#send(batch)
      .then(
        (replies) => {
          batch.forEach(({ resolve, reject }, place) => {
            const reply = replies[place];
            if (reply === undefined) reject(new Error("a call that was made together has no answer"));
            else resolve(reply);
          });
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      )
      .finally(() => {
        this.#inFlight -= 1;
        this.#sendDue();
      })
      .catch(() => undefined);
  }

  // Whatever `send` throws at once is a failure like any other.
  async #send(batch: readonly Waiting<Call, Reply>[]): Promise<readonly Reply[]> {
    const nowMs = this.#parts.clock.nowMs();
    const timeoutMs = batch.reduce((most, { endsAtMs }) => Math.max(most, endsAtMs - nowMs), 1);
    const calls = batch.map(({ call }) => call);
    return withDeadline(this.#parts.send(calls, timeoutMs), timeoutMs);
  }

  #takeBatch(): readonly Waiting<Call, Reply>[] {
    const endsAtMs = this.#waiting[0]?.endsAtMs ?? 0;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      // Nobody with little time is kept waiting by somebody with much.
      if (Math.abs(waiting.endsAtMs - endsAtMs) > ENDS_TOGETHER_MS) break;
      bytes += this.#parts.bytesOf(waiting.call);
      if (count > 0 && bytes > LIMITS.manyRequestBytesMax) break;
      count += 1;
      if (count === LIMITS.manyCallsMax) break;
    }
    return this.#waiting.splice(0, count);
  }
}
