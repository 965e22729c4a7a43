/** Wakes one who waits. A signal that nobody waits for yet is kept. */
export class Signal {
  #isGiven = false;
  #wake: (() => void) | null = null;

  give(): void {
    this.#isGiven = true;
    this.#wake?.();
  }

  /** Resolves once a signal was given since `take`. */
  given(): Promise<void> {
    if (this.#isGiven) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  take(): void {
    this.#isGiven = false;
    this.#wake = null;
  }
}
