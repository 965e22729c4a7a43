import { LIMITS } from "../base/limits.ts";

/**
 * How much one command may still answer. A write that answers more is applied all the same, as its
 * effects cannot depend on it; only the body of the answer is lost.
 */
export class AnswerBudget {
  #left: number = LIMITS.answerBytesMax;
  #isExceeded = false;

  /** Before each command. */
  begin(): void {
    this.#left = LIMITS.answerBytesMax;
    this.#isExceeded = false;
  }

  /** True while what was taken fits. Nothing fits any more after the first thing that did not. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    if (this.#left < 0) this.#isExceeded = true;
    return !this.#isExceeded;
  }

  /** Records that a part of the answer could not be built. */
  exceed(): void {
    this.#isExceeded = true;
  }

  get isExceeded(): boolean {
    return this.#isExceeded;
  }
}
