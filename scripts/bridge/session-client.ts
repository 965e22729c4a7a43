/** A client that has nothing but sessions: for programs in Node, and for measuring. */
import type { SessionAnswer } from "./session-messages.ts";
import { Sessions } from "./sessions.ts";

export interface SessionClientOptions {
  /** The deployment's API_TOKEN, or a user's token where there is none. */
  readonly token?: string;
  /** Sessions at a time. */
  readonly sessions?: number;
}

const NEVER = new AbortController().signal;

export class SessionClient {
  readonly #sessions: Sessions;

  /** `url` is the gateway's, with `/clusters/NAME` for another cluster; nothing is opened before the first call. */
  constructor(url: string, { token, sessions = 1 }: SessionClientOptions = {}) {
    this.#sessions = new Sessions({
      url: url.replace(/\/+$/, ""),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      countMax: sessions,
    });
  }

  /**
   * Makes a call by its gRPC path, `/etcdserverpb.KV/Put`, and answers what the gateway did: `code` 0 and
   * an encoded response, or gRPC's code and a text. Rejects if the gateway offers no sessions or was lost.
   */
  async call(
    path: string,
    request: Uint8Array,
    metadata: Readonly<Record<string, string>> = {},
    { signal = NEVER, timeoutMs = null }: { signal?: AbortSignal; timeoutMs?: number | null } = {},
  ): Promise<SessionAnswer> {
    const answer = await this.#sessions.call({ path, request, metadata, timeoutMs }, signal);
    if (answer === null) throw new Error("the gateway offers no sessions");
    return answer;
  }

  close(): void {
    this.#sessions.close();
  }
}
