import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { assert } from "../../base/assert.ts";
import { concatBytes, EMPTY_BYTES, prefixEnd } from "../../base/bytes.ts";
import { type LeaseRecord, LeaseRecordSchema } from "../../wire/gen/edged_pb.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";
import { leaseIdBytes, leaseIdOf } from "./lease-id.ts";

const KEYS_PAGE = 256;
const ZERO_BYTE = Uint8Array.of(0);

/** A stored lease. */
export interface StoredLease {
  readonly id: bigint;
  readonly record: LeaseRecord;
}

/** What the log has done to a lease: of interest to who keeps its time. */
export interface LeaseChange {
  readonly id: bigint;
  readonly kind: "granted" | "revoked";
}

/**
 * The leases of the group and which keys are attached to them, as records of the system table.
 * A key is attached to the lease of its live version and to no other.
 */
export class LeaseTable {
  readonly #system: SystemTable;
  #changes: LeaseChange[] = [];
  /** Leases that lost a key and may have to go with it. */
  #loosened = new Set<bigint>();

  constructor(system: SystemTable) {
    this.#system = system;
  }

  get(id: bigint): LeaseRecord | null {
    const stored = this.#system.get(leaseKey(id));
    return stored === null ? null : fromBinary(LeaseRecordSchema, stored);
  }

  /** The lease came with a backup: its time begins. */
  noteRestored(id: bigint): void {
    this.#changes.push({ id, kind: "granted" });
  }

  /** How many leases there are. */
  get count(): number {
    const stored = this.#system.get(COUNT_KEY);
    return stored === null ? 0 : Number(leaseIdOf(stored));
  }

  /** `granted`: the place of the command among all. */
  grant(id: bigint, ttlSeconds: bigint, withKeys: boolean, granted: number): void {
    assert(this.get(id) === null, "a lease is granted once");
    const record = { ttl: ttlSeconds, withKeys, granted: BigInt(granted) };
    this.put(id, create(LeaseRecordSchema, record));
    this.#setCount(this.count + 1);
    this.#changes.push({ id, kind: "granted" });
  }

  put(id: bigint, record: LeaseRecord): void {
    this.#system.put(leaseKey(id), toBinary(LeaseRecordSchema, record));
  }

  /** Removes the lease; its keys must have been detached. */
  remove(id: bigint): void {
    assert(this.#system.delete(leaseKey(id)), "a lease that is removed exists");
    this.#setCount(this.count - 1);
    this.#changes.push({ id, kind: "revoked" });
  }

  /** `lease` as a version stores it. */
  attach(lease: Uint8Array, key: Uint8Array): void {
    this.#system.put(attachedKey(lease, key), EMPTY_BYTES);
  }

  detach(lease: Uint8Array, key: Uint8Array): void {
    this.#system.delete(attachedKey(lease, key));
    this.#loosened.add(leaseIdOf(lease));
  }

  /** Ends a command: leases that were granted with their keys go with the last of them. */
  finish(): void {
    if (this.#loosened.size === 0) return;
    for (const id of this.#loosened) this.dropUnused(id);
    this.#loosened.clear();
  }

  /** Removes a lease that was granted with keys and has none. */
  dropUnused(id: bigint): void {
    if (this.get(id)?.withKeys === true && this.keys(id).next().done === true) this.remove(id);
  }

  /** The keys attached to a lease, in key order. They may be detached meanwhile. */
  *keys(id: bigint): Generator<Uint8Array, void> {
    const prefix = attachedKey(leaseIdBytes(id), EMPTY_BYTES);
    const end = prefixEnd(prefix);
    for (let from = prefix; ; ) {
      const records = this.#system.page(from, end, KEYS_PAGE);
      for (const { key } of records) yield key.slice(prefix.length);
      const last = records.at(-1);
      if (last === undefined || records.length < KEYS_PAGE) return;
      from = concatBytes([last.key, ZERO_BYTE]);
    }
  }

  /** Up to `rowsMax` leases after the one called `after`, in the order of the stored ids; null: from the first. */
  page(after: bigint | null, rowsMax: number): readonly StoredLease[] {
    const { lease } = SYSTEM_PREFIX;
    const from = after === null ? lease : concatBytes([leaseKey(after), ZERO_BYTE]);
    return this.#system.page(from, prefixEnd(lease), rowsMax).map(({ key, value }) => ({
      id: leaseIdOf(key.slice(lease.length)),
      record: fromBinary(LeaseRecordSchema, value),
    }));
  }

  /** What happened since the last call. */
  takeChanges(): readonly LeaseChange[] {
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  #setCount(count: number): void {
    this.#system.put(COUNT_KEY, leaseIdBytes(BigInt(count)));
  }
}

const COUNT_KEY = systemKey(SYSTEM_PREFIX.leases);

function leaseKey(id: bigint): Uint8Array {
  return systemKey(SYSTEM_PREFIX.lease, leaseIdBytes(id));
}

function attachedKey(lease: Uint8Array, key: Uint8Array): Uint8Array {
  return systemKey(SYSTEM_PREFIX.attached, lease, key);
}
