/** The sessions with one gateway: opened when there are calls, renewed when they end. */
import type { OutgoingHttpHeaders } from "node:http";
import { Code } from "@connectrpc/connect";
import { SessionConnection } from "./session-connection.ts";
import { SessionEnded, SessionsNotOffered } from "./session-errors.ts";
import type { SessionAnswer, SessionCall } from "./session-messages.ts";

/** A gateway without sessions is asked again after this: it may have been updated. */
const NOT_OFFERED_MS = 60_000;
/** And one with which none could be opened: a request of its own tells what is wrong, or goes through. */
const NOT_OPENED_MS = 1_000;
/** Sessions may end while a call waits, but not for ever. */
const RENEWALS_MAX = 8;

export interface SessionsOptions {
  /** Without a slash at its end. */
  readonly url: string;
  /** Of the request that opens a session. */
  readonly headers: OutgoingHttpHeaders;
  /** At most so many at a time; 0: none at all. */
  readonly countMax: number;
}

export class Sessions {
  readonly #options: SessionsOptions;
  #open: SessionConnection[] = [];
  /** Those that take no more calls; some may have calls under way. */
  #ending: SessionConnection[] = [];
  #opening: Promise<SessionConnection | null> | null = null;
  #notOfferedUntil = 0;
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** As far as is known. */
  get areOffered(): boolean {
    return this.#options.countMax > 0 && !this.#isClosed && Date.now() >= this.#notOfferedUntil;
  }

  /**
   * The server's answer; null if there is no session to make the call in, whatever the reason. Rejects as
   * a session does.
   */
  async call(call: SessionCall, signal: AbortSignal): Promise<SessionAnswer | null> {
    for (let renewals = 0; this.areOffered && renewals < RENEWALS_MAX; renewals += 1) {
      try {
        const session = this.#pick() ?? (await unlessAborted(this.#openOne(), signal));
        if (session === null) return null;
        if (call.request.length > session.requestBytesMax) return null;
        const answer = await session.call(call, signal);
        if (!(answer.notBegun && answer.code === Code.Unavailable)) return answer;
      } catch (error) {
        if (!(error instanceof SessionEnded)) throw error;
      }
    }
    return null;
  }

  /** A session in which a call with such a request may begin at once, if there is one. */
  ready(requestBytes: number): SessionConnection | null {
    if (!this.areOffered) return null;
    const session = this.#pick();
    return session === null || requestBytes > session.requestBytesMax ? null : session;
  }

  /** The gateway says nothing any more: calls under way fail with `error`. */
  abandon(error: unknown): void {
    for (const session of [...this.#open, ...this.#ending]) session.abandon(error);
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#open) session.close();
  }

  /** The one with the fewest calls; another one is opened when all are half full. */
  #pick(): SessionConnection | null {
    let best: SessionConnection | null = null;
    for (const session of this.#open) {
      if (session.isOpen && (best === null || session.load < best.load)) best = session;
    }
    const isBusy = best !== null && best.load >= best.window / 2;
    if (isBusy && this.#open.length < this.#options.countMax) this.#openOne().catch(() => null);
    return best;
  }

  /** Null if it could not be opened. */
  #openOne(): Promise<SessionConnection | null> {
    if (this.#opening !== null) return this.#opening;
    const { url, headers } = this.#options;
    const opening = SessionConnection.open(url, headers, () => {
      const ended = this.#open.filter((session) => !session.isOpen);
      this.#ending = [...this.#ending, ...ended].filter(({ load }) => load > 0);
      this.#open = this.#open.filter((session) => session.isOpen);
    }).then(
      (session) => {
        this.#opening = null;
        if (this.#isClosed) session.close();
        // A goodbye may have come with the welcome.
        else if (session.isOpen) this.#open.push(session);
        return session;
      },
      (error: unknown) => {
        this.#opening = null;
        const pauseMs = error instanceof SessionsNotOffered ? NOT_OFFERED_MS : NOT_OPENED_MS;
        this.#notOfferedUntil = Date.now() + pauseMs;
        return null;
      },
    );
    this.#opening = opening;
    return opening;
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(signal.reason);
    signal.addEventListener("abort", gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", gone));
  });
}
