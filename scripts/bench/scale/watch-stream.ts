/** A stream with many watches, which counts what it is told. */
import { Client } from "undici";

/** How a message tells that a watch began, and that it has events; one message a line. */
const CREATED = '"created":true';
const EVENTS = '"events":[';

export class WatchStream {
  readonly #connection: Client;
  readonly #abort = new AbortController();
  readonly #told: () => void;
  #created = 0;
  #events = 0;
  #failure: unknown = null;
  #rest = "";

  /** Watches all these keys; `told` is called after each piece that brought something. */
  constructor(origin: string, keys: readonly string[], told: () => void) {
    this.#connection = new Client(origin, { pipelining: 1, bodyTimeout: 0, headersTimeout: 0 });
    this.#told = told;
    void this.#read(keys).catch((error: unknown) => {
      this.#failure = error;
      told();
    });
  }

  get created(): number {
    return this.#created;
  }

  /** Messages with events. */
  get events(): number {
    return this.#events;
  }

  /** Why it ended by itself, or null. */
  get failure(): unknown {
    return this.#failure;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#connection.destroy();
  }

  async #read(keys: readonly string[]): Promise<void> {
    const requests = keys.map((key) =>
      JSON.stringify({ create_request: { key: Buffer.from(key).toString("base64") } }),
    );
    const { statusCode, body } = await this.#connection.request({
      method: "POST",
      path: "/v3/watch",
      body: requests.join("\n"),
      signal: this.#abort.signal,
    });
    if (statusCode !== 200) throw new Error(`a watch was refused with ${statusCode}`);
    for await (const chunk of body) this.#take(String(chunk));
    throw new Error("a watch ended by itself");
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.includes(CREATED)) this.#created += 1;
      else if (line.includes(EVENTS)) this.#events += 1;
    }
    this.#told();
  }
}
