/** A running replica's core as the invariants of test/raft see it. */

import { defined } from "../../../src/base/assert.ts";
import type { Core } from "../../../src/raft/core.ts";
import type { Progress } from "../../../src/raft/progress.ts";
import type { ConfigurationAt, Entry, NodeId } from "../../../src/raft/types.ts";
import { isTimed, silentMs } from "../../raft/harness/views.ts";
import type { BoundsView, FollowerView, LiveView, LogView } from "../../raft/invariants/view.ts";
import { internEntry } from "../disk/intern-entry.ts";

/** More than any entry of the simulated clients. */
const ENTRY_BYTES_MAX = 20_000;

/** Committed entries looked at together. */
const PAGE_ENTRIES = 64;

class CoreLogView implements LogView {
  readonly #core: Core;
  /** Committed entries that were looked at: they never change, or others find out. */
  readonly #committed = new Map<number, Entry>();

  constructor(core: Core) {
    this.#core = core;
  }

  get snapshot() {
    return this.#core.log.snapshot;
  }

  get last(): number {
    return this.#core.log.last;
  }

  entry(index: number): Entry {
    const known = this.#committed.get(index);
    if (known !== undefined) return known;
    const { commit } = this.#core.log;
    // Whoever looks at one after a start looks at all. One always comes back.
    const through = Math.max(index, Math.min(commit, index + PAGE_ENTRIES - 1));
    const entries = this.#core.log.entries(index, through, Number.POSITIVE_INFINITY).map(internEntry);
    for (const entry of entries) {
      if (entry.index <= commit) this.#committed.set(entry.index, entry);
    }
    return defined(entries[0], "an entry that is in the log");
  }
}

class CoreFollowerView implements FollowerView {
  readonly id: NodeId;
  readonly #progress: Progress;

  constructor(id: NodeId, progress: Progress) {
    this.id = id;
    this.#progress = progress;
  }

  isOf(progress: Progress): boolean {
    return this.#progress === progress;
  }

  get match(): number {
    return this.#progress.match;
  }

  get next(): number {
    return this.#progress.next;
  }

  get inflightMessages(): number {
    return this.#progress.inflights.count;
  }

  get inflightBytes(): number {
    return this.#progress.inflights.bytes;
  }
}

export class CoreView implements LiveView {
  readonly #core: Core;
  /** Kept from step to step while the core has the same ones. */
  #followers: readonly CoreFollowerView[] = [];
  readonly log: LogView;
  readonly bounds: BoundsView;

  constructor(core: Core) {
    this.#core = core;
    this.log = new CoreLogView(core);
    const { options } = core;
    // With tiny bounds a single entry exceeds them, and does not count as "more than one append".
    this.bounds = { ...options, appendBytesMax: Math.max(options.appendBytesMax, ENTRY_BYTES_MAX) };
  }

  get role() {
    return this.#core.role;
  }

  get term(): number {
    return this.#core.term;
  }

  get vote(): NodeId | null {
    return this.#core.vote;
  }

  get commit(): number {
    return this.#core.log.commit;
  }

  get applied(): number {
    return this.#core.applied;
  }

  get configuration() {
    return this.#core.configurations.current;
  }

  configurationAt(index: number): ConfigurationAt {
    return this.#core.configurations.at(index);
  }

  get followers(): readonly FollowerView[] {
    const { progress } = this.#core;
    const known = this.#followers;
    let count = 0;
    let same = true;
    for (const one of progress.values()) {
      same &&= known[count]?.isOf(one) === true;
      count += 1;
    }
    if (same && count === known.length) return known;
    this.#followers = [...progress].map(([id, one]) => new CoreFollowerView(id, one));
    return this.#followers;
  }

  silentMs(follower: NodeId): number {
    return silentMs(this.#core, follower);
  }

  get uncommittedBytes(): number {
    return this.#core.uncommittedBytes;
  }

  get isAsleep(): boolean {
    return this.#core.isAsleep;
  }

  get isResumed(): boolean {
    return this.#core.isResumed;
  }

  get isTimed(): boolean {
    return isTimed(this.#core);
  }
}
