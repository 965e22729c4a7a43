/** Answers of a stream whose protocol takes whole messages, as fast as they are taken. */
export class MessageOutlet<Message> {
  #waiting: { readonly message: Message; readonly taken: () => void }[] = [];
  #isClosed = false;
  #changed: (() => void) | null = null;
  readonly #closed: () => void;

  /** `closed` is called once when nothing more can be sent. */
  constructor(closed: () => void) {
    this.#closed = closed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the message was taken; at once when there is nobody left. */
  send(message: Message): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ message, taken });
      this.#changed?.();
    });
  }

  /** Ends the answers behind what was sent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#changed?.();
    this.#closed();
  }

  /** Everything that is sent, to be iterated once. `signal`: nobody wants it any more. */
  async *messages(signal: AbortSignal): AsyncGenerator<Message, void> {
    const gone = (): void => this.#abandon();
    signal.addEventListener("abort", gone);
    try {
      if (signal.aborted) return;
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          next.taken();
          yield next.message;
        } else if (this.#isClosed) {
          return;
        } else {
          await new Promise<void>((changed) => {
            this.#changed = changed;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", gone);
      this.#abandon();
    }
  }

  #abandon(): void {
    for (const { taken } of this.#waiting) taken();
    this.#waiting = [];
    this.close();
  }
}
