import { LIMITS } from "../base/limits.ts";
import type { Core } from "../raft/core.ts";
import { majority } from "../raft/quorum.ts";
import type { NodeId } from "../raft/types.ts";

/** How well the members are, as their leader sees it. */
export class MemberHealth {
  readonly #core: Core;
  /** Since when this leader has them in its configuration (ms). */
  #since = new Map<NodeId, number>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Called in every turn of a leader. */
  note(now: number): void {
    const { progress } = this.#core;
    if (progress.size === this.#since.size && [...progress.keys()].every((id) => this.#since.has(id))) return;
    this.#since = new Map([...progress.keys()].map((id) => [id, this.#since.get(id) ?? now]));
  }

  /** It leads no more. */
  forget(): void {
    this.#since.clear();
  }

  /** Whether those of `voters` that answer would be a quorum of them. */
  isActiveQuorum(voters: readonly NodeId[]): boolean {
    const active = voters.filter((id) => this.#isActive(id)).length;
    return voters.length > 0 && active >= majority(voters.length);
  }

  /** It has nearly everything, and answers. */
  isCaughtUp(id: NodeId): boolean {
    const core = this.#core;
    if (id === core.id) return true;
    const progress = core.progress.get(id);
    if (progress === undefined || progress.state !== "replicate" || progress.match === 0) return false;
    return this.#isActive(id) && core.log.last - progress.match <= LIMITS.learnerLagEntriesMax;
  }

  /** Caught up, and tried for as long as an election takes. */
  isSteady(id: NodeId): boolean {
    const core = this.#core;
    if (id === core.id) return true;
    const since = this.#since.get(id) ?? core.now;
    return this.isCaughtUp(id) && core.now - since >= core.options.electionMs;
  }

  /** Elected or woken a moment ago: some have not been heard yet, and may be well. */
  isJustAwake(): boolean {
    const core = this.#core;
    return [...core.progress.values()].some(
      ({ heardAt, trackedAt }) => heardAt === null && core.now - trackedAt < core.options.electionMs,
    );
  }

  #isActive(id: NodeId): boolean {
    const core = this.#core;
    if (id === core.id) return true;
    const heardAt = core.progress.get(id)?.heardAt ?? null;
    return heardAt !== null && core.now - heardAt <= core.options.electionMs;
  }
}
