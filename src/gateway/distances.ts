/** Members that answer within this share of the nearest one's time, and so many ms, are as near as that one. */
const NEAR_SHARE = 1.2;
const NEAR_MS = 5;
/** How fast a member's time grows while it answers more slowly than it once did. */
const GROWTH = 1.1;
const GROWTH_MS = 1;

/**
 * How long members take to answer one kind of reads, as one isolate sees it: distance, without being
 * told where anybody is. A good moment counts: what a large answer takes says nothing of the way.
 */
export class Distances {
  readonly #tookMs = new Map<string, number>();

  /** A question leaves. Until a member has answered its first one it counts as far: not everybody shall wait for it. */
  asked(member: string): void {
    if (!this.#tookMs.has(member)) this.failed(member);
  }

  answered(member: string, tookMs: number): void {
    const known = this.#tookMs.get(member) ?? Number.POSITIVE_INFINITY;
    this.#tookMs.set(member, Math.min(tookMs, known * GROWTH + GROWTH_MS));
  }

  /** No answer came. Whoever asks members at random now and then finds out when it is back. */
  failed(member: string): void {
    this.#tookMs.set(member, Number.POSITIVE_INFINITY);
  }

  /** Those of `members` that are about as near as the nearest of them; or who was never asked, if any. */
  nearest(members: readonly string[]): readonly string[] {
    let leastMs = Number.POSITIVE_INFINITY;
    for (const member of members) {
      const tookMs = this.#tookMs.get(member);
      if (tookMs === undefined) return members.filter((other) => !this.#tookMs.has(other));
      leastMs = Math.min(leastMs, tookMs);
    }
    const mostMs = leastMs * NEAR_SHARE + NEAR_MS;
    return members.filter((member) => (this.#tookMs.get(member) ?? 0) <= mostMs);
  }
}
