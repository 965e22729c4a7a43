/** What the invariants read of one object, as it was when they looked last. */
import type { Role } from "../../../src/raft/types.ts";
import type { SimObject } from "../platform/sim-object.ts";

export class Mark {
  /** In a fixed order; compared one by one, which is cheaper than any digest of them. */
  readonly #numbers: number[] = [];
  #role: Role | null = null;
  #vote: string | null = null;
  #count = 0;
  #differs = false;

  /** Whether anything differs since the last call. */
  update({ disk, core, starts }: SimObject): boolean {
    const { mirror } = disk;
    const countBefore = this.#count;
    this.#count = 0;
    this.#differs = false;
    this.#add(starts);
    this.#add(disk.durable);
    this.#add(mirror.last);
    if (core !== null) {
      const { log, term, role, vote, applied, uncommittedBytes, configurations } = core;
      this.#add(term);
      this.#add(core.isAsleep ? 1 : 0);
      this.#add(log.last);
      this.#add(log.commit);
      this.#add(log.snapshot.index);
      this.#add(applied);
      this.#add(uncommittedBytes);
      this.#add(configurations.latest.index);
      this.#add(log.lastTerm);
      if (role !== this.#role || vote !== this.#vote) this.#differs = true;
      this.#role = role;
      this.#vote = vote;
      for (const { match, next, inflights } of core.progress.values()) {
        this.#add(match);
        this.#add(next);
        this.#add(inflights.count);
        this.#add(inflights.bytes);
      }
    }
    return this.#differs || this.#count !== countBefore;
  }

  #add(value: number): void {
    if (this.#numbers[this.#count] !== value) {
      this.#numbers[this.#count] = value;
      this.#differs = true;
    }
    this.#count += 1;
  }
}
