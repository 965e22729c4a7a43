/** Keeps the history of a run: who asked what, when, and what came back. */
import { performance } from "node:perf_hooks";
import type { Action, Operation, Outcome } from "../../test/linearizability/operation.ts";

export class Recorder {
  readonly #startedAtMs = performance.now();
  readonly #operations: Operation[] = [];
  #nextId = 0;
  #longestGapMs = 0;
  #gapEndedAtMs = 0;
  #lastWriteAtMs = 0;
  #unknown = 0;
  #writes = 0;

  /** Milliseconds since the run began. Monotonic; the clock of the whole history. */
  nowMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Operations so far, in the order in which they ended. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  get unknown(): number {
    return this.#unknown;
  }

  /** Acknowledged writes so far. */
  get writes(): number {
    return this.#writes;
  }

  /** The longest time without an acknowledged write, and when it ended. */
  gap(): { readonly longestMs: number; readonly endedAtMs: number } {
    return { longestMs: this.#longestGapMs, endedAtMs: this.#gapEndedAtMs };
  }

  /** Starts measuring gaps at this moment. */
  startGaps(): void {
    this.#lastWriteAtMs = this.nowMs();
  }

  /** Ends the measurement: what is still without a write counts. */
  endGaps(): void {
    this.#noteGap(this.nowMs());
  }

  record(process: number, key: string, action: Action, callMs: number, outcome: Outcome): Operation {
    const endMs = this.nowMs();
    const operation: Operation = {
      id: this.#nextId,
      process,
      key,
      action,
      call: callMs,
      return: outcome.kind === "unknown" ? null : endMs,
      outcome,
    };
    this.#nextId += 1;
    this.#operations.push(operation);
    if (outcome.kind === "unknown") this.#unknown += 1;
    if (outcome.kind === "written" || outcome.kind === "deleted") {
      this.#writes += 1;
      this.#noteGap(endMs);
    }
    return operation;
  }

  #noteGap(nowMs: number): void {
    const gapMs = nowMs - this.#lastWriteAtMs;
    if (gapMs > this.#longestGapMs) {
      this.#longestGapMs = gapMs;
      this.#gapEndedAtMs = nowMs;
    }
    this.#lastWriteAtMs = nowMs;
  }
}
