/** A body that is written message by message, each one chunk, as fast as its reader takes them. */
export class Outlet {
  readonly body: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #room: (() => void) | null = null;
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly #closed: () => void;

  /** `closed` is called once when nothing more can be written. */
  constructor(closed: () => void) {
    this.#closed = closed;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#room?.(),
      cancel: () => this.#end(),
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the chunk was handed over, in the order of calls; at once when there is nobody left. */
  send(chunk: Uint8Array): Promise<void> {
    this.#tail = this.#tail.then(() => this.#hand(chunk));
    return this.#tail;
  }

  /** Ends the body behind what was sent. */
  close(): void {
    this.#tail = this.#tail.then(() => {
      if (this.#isClosed) return;
      this.#controller?.close();
      this.#end();
    });
  }

  /** Breaks the body off behind what was sent: its reader sees that it is not whole. */
  fail(reason: unknown): void {
    this.#tail = this.#tail.then(async () => {
      // What still waits for its reader would be lost.
      await this.#hasRoom();
      if (this.#isClosed) return;
      this.#controller?.error(reason);
      this.#end();
    });
  }

  async #hand(chunk: Uint8Array): Promise<void> {
    await this.#hasRoom();
    if (!this.#isClosed) this.#controller?.enqueue(chunk);
  }

  async #hasRoom(): Promise<void> {
    while (!this.#isClosed && (this.#controller?.desiredSize ?? 0) <= 0) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#room?.();
    this.#closed();
  }
}
