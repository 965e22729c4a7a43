/** Follows one log from step to step and says what changed, without reading all of it each time. */

import type { Entry, SnapshotPoint } from "../../../src/raft/types.ts";
import { entryDigest } from "./digest.ts";
import type { LogView } from "./view.ts";
import { violated } from "./violation.ts";

export interface LogChange {
  /** Entries that were there and are gone, other than by compaction or under a snapshot. */
  readonly removed: readonly Entry[];
  readonly added: readonly Entry[];
  /** Where the log begins now; differs from `snapshotBefore` after compaction or an installed snapshot. */
  readonly snapshot: SnapshotPoint;
  readonly snapshotBefore: SnapshotPoint;
}

export class LogTracker {
  #snapshot: SnapshotPoint = { index: 0, term: 0 };
  readonly #entries: Entry[] = [];

  /**
   * `whole` compares every entry; otherwise the comparison stops at the first unchanged one from
   * the end, since logs change by their ends only.
   */
  observe(log: LogView, whole: boolean): LogChange {
    const before = this.#snapshot;
    const { snapshot } = log;
    if (!whole && this.#unchanged(log)) return { removed: [], added: [], snapshot, snapshotBefore: before };
    if (snapshot.index < before.index) violated("ordering", "a log grew at its front");
    const lastBefore = before.index + this.#entries.length;
    // Entries up to the snapshot are represented by it.
    const known = this.#entries;
    if (snapshot.index > before.index) known.splice(0, snapshot.index - before.index);
    let same = Math.min(lastBefore, log.last);
    if (whole) {
      same = snapshot.index;
      while (same < Math.min(lastBefore, log.last) && this.#equalAt(log, known, same + 1)) same += 1;
    } else {
      while (same > snapshot.index && !this.#equalAt(log, known, same)) same -= 1;
    }
    same = Math.max(same, snapshot.index);
    const removed = known.splice(same - snapshot.index);
    const added: Entry[] = [];
    for (let index = same + 1; index <= log.last; index += 1) added.push(log.entry(index));
    known.push(...added);
    this.#snapshot = snapshot;
    return { removed, added, snapshot, snapshotBefore: before };
  }

  /** The term known at `index`, null where the log had nothing when last observed. */
  term(index: number): number | null {
    if (index === this.#snapshot.index) return this.#snapshot.term;
    return this.#entries[index - this.#snapshot.index - 1]?.term ?? null;
  }

  #unchanged(log: LogView): boolean {
    if (log.snapshot.index !== this.#snapshot.index) return false;
    if (log.last !== this.#snapshot.index + this.#entries.length) return false;
    return this.#entries.length === 0 || log.entry(log.last) === this.#entries.at(-1);
  }

  #equalAt(log: LogView, known: readonly Entry[], index: number): boolean {
    const old = known[index - log.snapshot.index - 1];
    const now = log.entry(index);
    return old === now || (old !== undefined && entryDigest(old) === entryDigest(now));
  }
}
