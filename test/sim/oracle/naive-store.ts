/** The store as one would write it without caring for speed: every version ever, in one list. */

import { defined } from "../../../src/base/assert.ts";
import { toHex } from "../../../src/base/bytes.ts";
import { NaiveUsers } from "../auth/naive-users.ts";
import type { Backup } from "../restore/backup.ts";

export interface Version {
  /** Position in history, from 1. */
  readonly ord: number;
  readonly main: number;
  readonly sub: number;
  /** Hex. */
  readonly key: string;
  /** 0 for a deletion. */
  readonly create: number;
  /** 0 for a deletion. */
  readonly version: number;
  /** Hex; null for a deletion. */
  readonly value: string | null;
  /** 0 for none. */
  readonly lease: bigint;
}

/** What happened to a lease, in the order of the log. */
export interface LeaseEvent {
  readonly id: bigint;
  readonly kind: "granted" | "revoked" | "expired";
  /** It came with a backup, and has so much of its time. */
  readonly restoredMs?: number;
}

/** How far a backup was restored. */
export interface Progress {
  /** Hex. */
  readonly backup: string;
  readonly parts: number;
  readonly isOver: boolean;
  /** The store's revision behind the newest part. */
  readonly revision: number;
}

/** A key as clients see it. */
export interface Pair {
  readonly key: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly value: string;
  readonly lease: string;
}

export class NaiveStore {
  readonly versions: Version[] = [];
  revision = 1;
  compactRevision = -1;
  users = new NaiveUsers();
  /** Member and kind of each alarm that is on. */
  alarms: readonly string[] = [];
  /** The time of each lease, in ms. */
  readonly leases = new Map<bigint, number>();
  /** By which command of the log each was granted. */
  readonly granted = new Map<bigint, number>();
  /** The place of the running command among all, from 1. */
  place = 0;
  readonly leaseEvents: LeaseEvent[] = [];
  /** Null: nobody has begun to restore anything. */
  restore: Progress | null = null;
  /** What may be restored in this run, by id (hex). */
  readonly backups = new Map<string, Backup>();
  /** Versions of each key, oldest first. */
  readonly #byKey = new Map<string, Version[]>();
  #sub = 0;

  /** The revision as a running command sees it. */
  get seenRevision(): number {
    return this.revision + (this.#sub > 0 ? 1 : 0);
  }

  get isRestoring(): boolean {
    return this.restore?.isOver === false;
  }

  /** Nothing was ever written to it. */
  get isPristine(): boolean {
    const { enabled, revision, users, roles } = this.users;
    const hasUsers = enabled || revision > 1 || users.size > 0 || roles.size > 0;
    return this.versions.length === 0 && this.leaseEvents.length === 0 && !hasUsers;
  }

  /**
   * History comes in its order, that which was compacted too: nobody may ask for it. Leases, users and the
   * compacted revision are there when the last part is.
   */
  restorePart({ id, parts, store, remainingMs, bumpRevision }: Backup, part: number): void {
    const { versions, last } = defined(parts[part], "the part is one of the backup");
    const newest = versions.at(-1);
    const ord = last ? store.versions.length : Number(newest?.ord ?? this.versions.length);
    for (const version of store.versions.slice(this.versions.length, ord)) this.#append(version);
    if (newest !== undefined) this.revision = Number(newest.main);
    if (last) this.revision = store.revision + bumpRevision;
    this.restore = { backup: toHex(id), parts: part + 1, isOver: last, revision: this.revision };
    if (!last) return;
    this.compactRevision = bumpRevision > 0 ? this.revision : store.compactRevision;
    this.users = store.users;
    for (const [lease, ttlMs] of store.leases) {
      this.leases.set(lease, ttlMs);
      this.granted.set(lease, store.granted.get(lease) ?? 0);
      this.leaseEvents.push({ id: lease, kind: "granted", restoredMs: remainingMs.get(lease) ?? ttlMs });
    }
  }

  /** Ends a command: what it wrote is one revision. */
  finish(): void {
    this.revision = this.seenRevision;
    this.#sub = 0;
  }

  /** Appends a version; `value` null deletes. */
  write(key: string, value: string | null, lease = 0n): void {
    const before = this.live(key);
    const deleted = value === null;
    const version: Version = {
      ord: this.versions.length + 1,
      main: this.revision + 1,
      sub: this.#sub,
      key,
      create: deleted ? 0 : (before?.create ?? this.revision + 1),
      version: deleted ? 0 : (before?.version ?? 0) + 1,
      value,
      lease,
    };
    this.#sub += 1;
    this.#append(version);
  }

  #append(version: Version): void {
    this.versions.push(version);
    const known = this.#byKey.get(version.key);
    if (known === undefined) this.#byKey.set(version.key, [version]);
    else known.push(version);
  }

  /** The key at `revision` (none given: now, own writes included), or null where it does not exist. */
  live(key: string, revision = Number.POSITIVE_INFINITY): Pair | null {
    const found = this.#byKey.get(key)?.findLast(({ main }) => main <= revision);
    if (found === undefined || found.value === null) return null;
    return {
      key,
      create: found.create,
      mod: found.main,
      version: found.version,
      value: found.value,
      lease: String(found.lease),
    };
  }

  /** Every live key, in order. */
  all(): Pair[] {
    return this.span(new Uint8Array([0]), new Uint8Array([0]));
  }

  /** The keys of a lease, in order; at `revision`, none given: now. */
  keysOf(lease: bigint, revision = Number.POSITIVE_INFINITY): string[] {
    return this.span(new Uint8Array([0]), new Uint8Array([0]), revision)
      .filter((pair) => pair.lease === String(lease))
      .map(({ key }) => key);
  }

  /** Live keys of the half-open interval, in order. An empty `end` is the one key, "00" no end. */
  span(key: Uint8Array, rangeEnd: Uint8Array, revision = Number.POSITIVE_INFINITY): Pair[] {
    const from = toHex(key);
    const end = toHex(rangeEnd);
    const inside = (candidate: string): boolean => {
      if (end === "") return candidate === from;
      return candidate >= from && (end === "00" || candidate < end);
    };
    return [...this.#byKey.keys()]
      .filter(inside)
      .sort()
      .map((candidate) => this.live(candidate, revision))
      .filter((pair) => pair !== null);
  }
}
