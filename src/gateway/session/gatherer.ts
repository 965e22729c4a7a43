/**
 * Calls that share one: those that arrive together, and those that arrive while earlier ones are on
 * their way. A lone caller never waits.
 */
import { LIMITS } from "../../base/limits.ts";

/** How long calls wait for company while others are on their way. */
const LINGER_MS = 2;
/** With so much company they go at once. */
const COMPANY = 64;
const IN_FLIGHT_MAX = 8;
/** Calls of one event reach this place after different numbers of promises. */
const STEPS_TO_GATHER = 3;

export interface GathererParts<Call, Reply> {
  /** One answer for each call, in their order; throws what the platform throws, and then all fail. */
  readonly send: (calls: readonly Call[]) => Promise<readonly Reply[]>;
  readonly bytesOf: (call: Call) => number;
  readonly sleep: (durationMs: number) => Promise<void>;
}

interface Waiting<Call, Reply> {
  readonly call: Call;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

export class Gatherer<Call, Reply> {
  readonly #parts: GathererParts<Call, Reply>;
  #waiting: Waiting<Call, Reply>[] = [];
  #inFlight = 0;
  #isGathering = false;
  #isLingering = false;

  constructor(parts: GathererParts<Call, Reply>) {
    this.#parts = parts;
  }

  add(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
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
    this.#parts
      .sleep(LINGER_MS)
      .then(() => {
        this.#isLingering = false;
        if (this.#waiting.length > 0 && this.#inFlight < IN_FLIGHT_MAX) this.#sendNext();
      })
      .catch(() => undefined);
  }

  #sendNext(): void {
    const batch = this.#takeBatch();
    this.#inFlight += 1;
    this.#send(batch.map(({ call }) => call))
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
  async #send(calls: readonly Call[]): Promise<readonly Reply[]> {
    return this.#parts.send(calls);
  }

  #takeBatch(): readonly Waiting<Call, Reply>[] {
    let bytes = 0;
    let count = 0;
    for (const { call } of this.#waiting) {
      bytes += this.#parts.bytesOf(call);
      if (count > 0 && bytes > LIMITS.manyRequestBytesMax) break;
      count += 1;
      if (count === LIMITS.manyCallsMax) break;
    }
    return this.#waiting.splice(0, count);
  }
}
