import { LIMITS } from "../../base/limits.ts";
import type { Incoming } from "./request-stream.ts";

/** The requests of a stream whose protocol hands over whole messages: as many at once as have come. */
export class MessageRequests<Request> {
  #waiting: Request[] = [];
  #isEnd = false;
  #came: (() => void) | null = null;
  #taken: (() => void) | null = null;

  constructor(requests: AsyncIterable<Request>) {
    this.#read(requests)
      // A stream that breaks off has ended; whoever reads the answers learns why.
      .catch(() => undefined)
      .finally(() => {
        this.#isEnd = true;
        this.#came?.();
      });
  }

  /** Waits for at least one request, or the end. */
  async next(): Promise<Incoming<Request>> {
    while (this.#waiting.length === 0 && !this.#isEnd) {
      await new Promise<void>((came) => {
        this.#came = came;
      });
    }
    const requests = this.#waiting;
    this.#waiting = [];
    this.#taken?.();
    return { requests, isEnd: this.#isEnd, refusal: null };
  }

  async #read(requests: AsyncIterable<Request>): Promise<void> {
    for await (const request of requests) {
      this.#waiting.push(request);
      this.#came?.();
      while (this.#waiting.length >= LIMITS.watchRequestsMax) {
        await new Promise<void>((taken) => {
          this.#taken = taken;
        });
      }
    }
  }
}
