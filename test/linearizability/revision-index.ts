/**
 * Which write made which revision: the acknowledged writes by what their clients were told, the unknown
 * ones by what others saw of them.
 */
import { defined } from "../../src/base/assert.ts";
import { type Operation, writtenValue } from "./operation.ts";
import type { OrderViolation } from "./revision-order.ts";

/** The effect of one write on its key. */
export interface Version {
  readonly revision: number;
  readonly key: string;
  /** null when it deleted the key; undefined when nobody saw the value. */
  readonly value: string | null | undefined;
  /** undefined when an unknown write must have made it, but it cannot be said which. */
  readonly writer: Operation | undefined;
}

interface KeyLog {
  /** Ascending by revision. */
  readonly versions: Version[];
  /** Unknown writes of the key nobody has seen, so far. */
  readonly unseen: Set<Operation>;
}

export class RevisionIndex {
  /** The store's revision when the history began. */
  readonly baseRevision: number;
  readonly #keys = new Map<string, KeyLog>();
  readonly #owners = new Map<number, Version>();
  /** The revision of each unknown write that could be found out. */
  readonly #resolved = new Map<Operation, number>();
  #owned: Float64Array = new Float64Array(0);
  #last: number;

  constructor(baseRevision: number) {
    this.baseRevision = baseRevision;
    this.#last = baseRevision;
  }

  /** The greatest revision that any answer speaks of. */
  get lastRevision(): number {
    return this.#last;
  }

  /** Reads the history; returns a violation when two writes claim one revision or one write two. */
  build(history: readonly Operation[]): OrderViolation | null {
    const unknownByValue = new Map<string, Operation>();
    for (const operation of history) {
      const violation = this.#takeWrite(operation, unknownByValue);
      if (violation !== null) return violation;
    }
    for (const operation of history) {
      const violation = this.#takeSighting(operation, unknownByValue);
      if (violation !== null) return violation;
    }
    for (const operation of history) {
      const violation = this.#takeMention(operation);
      if (violation !== null) return violation;
    }
    this.#owned = Float64Array.from(this.#owners.keys()).sort();
    for (const revision of this.#owned) {
      const version = defined(this.#owners.get(revision), "an owned revision has a version");
      this.#log(version.key).versions.push(version);
    }
    return null;
  }

  /** The revision that `operation` itself made, as far as known; null when none is known. */
  revisionOf(operation: Operation): number | null {
    const { outcome } = operation;
    if (outcome.kind === "written" || outcome.kind === "deleted") return outcome.revision;
    return this.#resolved.get(operation) ?? null;
  }

  /** The newest known version of `key` at or below `revision`; null when there is none. */
  versionAt(key: string, revision: number): Version | null {
    const versions = this.#keys.get(key)?.versions ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((versions[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return versions[low - 1] ?? null;
  }

  /** Unknown writes of `key` whose revision nobody saw. */
  unseenWrites(key: string): ReadonlySet<Operation> {
    return this.#keys.get(key)?.unseen ?? new Set();
  }

  /** A revision in (after, upTo] has no known writer. */
  hasGap(after: number, upTo: number): boolean {
    return upTo - after > this.#countUpTo(upTo) - this.#countUpTo(after);
  }

  /** Revisions above the base and up to the last that no write is known for, ascending. */
  *gaps(): Generator<number> {
    let expected = this.baseRevision + 1;
    for (const revision of this.#owned) {
      for (; expected < revision; expected += 1) yield expected;
      expected = revision + 1;
    }
    for (; expected <= this.#last; expected += 1) yield expected;
  }

  /** Versions that some unknown write made, nobody can say which. */
  *anonymous(): Generator<Version> {
    for (const version of this.#owners.values()) if (version.writer === undefined) yield version;
  }

  #takeWrite(operation: Operation, unknownByValue: Map<string, Operation>): OrderViolation | null {
    const { action, outcome, key } = operation;
    if (action.kind === "get" || outcome.kind === "failed") return null;
    const value = writtenValue(action);
    if (outcome.kind === "unknown") {
      this.#log(key).unseen.add(operation);
      if (value !== null) unknownByValue.set(`${key}\n${value}`, operation);
      return null;
    }
    if (outcome.kind !== "written" && outcome.kind !== "deleted") return null;
    return this.#own({ revision: outcome.revision, key, value, writer: operation });
  }

  /** A value read at a revision that no acknowledged write made shows what an unknown write did. */
  #takeSighting(operation: Operation, unknownByValue: Map<string, Operation>): OrderViolation | null {
    const { outcome, key } = operation;
    if (outcome.kind === "failed" || outcome.kind === "unknown") return null;
    this.#last = Math.max(this.#last, outcome.revision);
    if (outcome.kind !== "found") return null;
    const { value, modRevision: revision } = outcome;
    const owner = this.#owners.get(revision);
    // Whether the owner wrote this value to this key is judged with the other answers.
    if (owner !== undefined) return null;
    const writer = unknownByValue.get(`${key}\n${value}`);
    if (writer === undefined || writer.call > (operation.return ?? 0)) {
      return {
        rule: "value from nowhere",
        message: `nobody is known to have written ${key}=${value} at revision ${revision}`,
        operations: [operation],
      };
    }
    const earlier = this.#resolved.get(writer);
    if (earlier !== undefined) {
      return {
        rule: "applied twice",
        message: `one write was seen at revision ${earlier} and at revision ${revision}`,
        operations: [writer, operation],
      };
    }
    this.#resolved.set(writer, revision);
    this.#log(key).unseen.delete(writer);
    return this.#own({ revision, key, value, writer });
  }

  /** A mod_revision that only a refusal or a successful comparison speaks of: some unknown write. */
  #takeMention(operation: Operation): OrderViolation | null {
    const { action, outcome, key } = operation;
    const expected = action.kind === "cas" || action.kind === "delete" ? (action.expected ?? 0) : 0;
    let mentioned = 0;
    if (outcome.kind === "refused") mentioned = outcome.modRevision;
    else if (this.revisionOf(operation) !== null) mentioned = expected;
    if (mentioned === 0 || this.#owners.has(mentioned)) return null;
    return this.#own({ revision: mentioned, key, value: undefined, writer: undefined });
  }

  #own(version: Version): OrderViolation | null {
    if (version.revision <= this.baseRevision) {
      return {
        rule: "older than the history",
        message: `${version.key} cannot have been written at ${version.revision}: the history began at ${this.baseRevision}`,
        operations: version.writer === undefined ? [] : [version.writer],
      };
    }
    const owner = this.#owners.get(version.revision);
    if (owner === undefined) {
      this.#owners.set(version.revision, version);
      this.#last = Math.max(this.#last, version.revision);
      return null;
    }
    return {
      rule: "revision used twice",
      message: `two writes have revision ${version.revision}`,
      operations: [owner.writer, version.writer].filter((operation) => operation !== undefined),
    };
  }

  #log(key: string): KeyLog {
    let log = this.#keys.get(key);
    if (log === undefined) {
      log = { versions: [], unseen: new Set() };
      this.#keys.set(key, log);
    }
    return log;
  }

  /** How many revisions at or below `revision` have a known writer. */
  #countUpTo(revision: number): number {
    let low = 0;
    let high = this.#owned.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#owned[middle] ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
