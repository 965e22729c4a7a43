/**
 * What a leader knows of one follower.
 *
 *            acknowledged              position compacted
 *   probe ----------------> replicate        |
 *     ^  <----------------     |             v
 *     |   rejected or lost     +---------> snapshot
 *     +-------------------------------------- |
 *              installed, failed or expired
 *
 * probe: one append outstanding, looking for the point where the logs agree.
 * replicate: appends are pipelined, `next` moves when they are sent.
 * snapshot: nothing is appended until the follower has pulled the state machine's content.
 */
import { assert } from "../base/assert.ts";
import { Inflights } from "./inflights.ts";
import type { RaftOptions } from "./options.ts";

export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  state: ProgressState = "probe";
  /** Highest index known equal and durable there. Invariants: match < next; never decreases in a term. */
  match: number;
  /** Next index to send. */
  next: number;
  /** In probe: an append is out, wait for its answer or for a heartbeat's. */
  probeSent = false;
  /** In snapshot: the offered index; 0 while the host has not opened a session yet. */
  snapshotIndex = 0;
  /** The highest commit index sent to it; the rest of the news rides on the next append. */
  commitSent = 0;
  /** Since when this leader counts on the follower (ms). */
  trackedAt: number;
  /** When this follower last answered in this term (ms); null: never. */
  heardAt: number | null = null;
  /** The newest read round it confirmed. */
  round = 0;
  readonly inflights: Inflights;

  constructor(match: number, next: number, options: RaftOptions, now: number) {
    assert(match < next, "next must be above match");
    this.match = match;
    this.next = next;
    this.trackedAt = now;
    this.inflights = new Inflights(options.inflightMessagesMax, options.inflightBytesMax);
  }

  /** True while nothing may be appended. */
  get paused(): boolean {
    if (this.state === "replicate") return this.inflights.full;
    return this.state === "snapshot" || this.probeSent;
  }

  becomeProbe(): void {
    // After a snapshot the follower is at least at the snapshot's index if it answered for it.
    this.next = this.match + 1;
    this.state = "probe";
    this.probeSent = false;
    this.snapshotIndex = 0;
    this.inflights.reset();
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.probeSent = false;
    this.snapshotIndex = 0;
    this.next = this.match + 1;
    this.inflights.reset();
  }

  becomeSnapshot(): void {
    this.state = "snapshot";
    this.probeSent = false;
    this.snapshotIndex = 0;
    this.inflights.reset();
  }

  /** Raises `match`; returns whether the acknowledgement said anything new. */
  maybeAdvance(match: number): boolean {
    const advanced = match > this.match;
    if (advanced) this.match = match;
    this.next = Math.max(this.next, match + 1);
    if (this.state === "replicate") this.inflights.freeTo(match);
    return advanced;
  }

  /**
   * An append after `previousIndex` did not fit. Returns false for answers to appends that no longer
   * matter: acting on every repeated rejection turns message duplication into a storm.
   */
  maybeStepBack(previousIndex: number, hintNext: number): boolean {
    if (this.state === "snapshot" || previousIndex <= this.match) return false;
    if (this.state === "replicate") {
      this.becomeProbe();
      return true;
    }
    if (previousIndex !== this.next - 1) return false;
    this.next = Math.max(Math.min(previousIndex, hintNext), this.match + 1);
    this.probeSent = false;
    return true;
  }
}
