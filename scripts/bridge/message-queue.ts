/** Messages handed from one side to the other, each put when the one before was taken. */
export class MessageQueue<Message> {
  #waiting: { readonly message: Message; readonly taken: () => void }[] = [];
  #end: { readonly error: Error | null } | null = null;
  #changed: (() => void) | null = null;

  /** Resolves when the message was taken, or nobody will take it. */
  put(message: Message): Promise<void> {
    if (this.#end !== null) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ message, taken });
      this.#changed?.();
    });
  }

  /** Ends the messages behind those that were put. */
  end(error: Error | null = null): void {
    this.#end ??= { error };
    this.#changed?.();
  }

  /** Drops what waits: nobody takes it any more. */
  abandon(): void {
    this.end();
    for (const { taken } of this.#waiting) taken();
    this.#waiting = [];
  }

  /** To be iterated once. */
  async *messages(): AsyncGenerator<Message, void> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          next.taken();
          yield next.message;
        } else if (this.#end !== null) {
          if (this.#end.error !== null) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((changed) => {
            this.#changed = changed;
          });
        }
      }
    } finally {
      this.abandon();
    }
  }
}
