/** How etcd 3.4 and 3.5 lay out their database: buckets, keys and values (mvcc/kvstore.go, auth/store.go). */
import { SYSTEM_PREFIX } from "../../src/mvcc/system-keys.ts";

export const BUCKET = {
  key: "key",
  lease: "lease",
  meta: "meta",
  auth: "auth",
  users: "authUsers",
  roles: "authRoles",
  alarm: "alarm",
  members: "members",
  removed: "members_removed",
  cluster: "cluster",
} as const;

export const META_KEY = {
  consistentIndex: "consistent_index",
  scheduledCompaction: "scheduledCompactRev",
  finishedCompaction: "finishedCompactRev",
} as const;

export const AUTH_KEY = { enabled: "authEnabled", revision: "authRevision" } as const;
export const CLUSTER_VERSION_KEY = "clusterVersion";
/** Of the release whose database this is: a restored etcd goes up from there by itself. */
export const CLUSTER_VERSION = "3.4.0";

const REVISION_BYTES = 17;
const SEPARATOR = 0x5f;
const TOMBSTONE = 0x74;

export interface EtcdRevision {
  readonly main: bigint;
  readonly sub: bigint;
  readonly isTombstone: boolean;
}

/** The key of a version: main and sub revision, big-endian, and a `t` for a deletion. */
export function revisionKey({ main, sub, isTombstone }: EtcdRevision): Uint8Array {
  const bytes = Buffer.alloc(isTombstone ? REVISION_BYTES + 1 : REVISION_BYTES);
  bytes.writeBigInt64BE(main, 0);
  bytes[8] = SEPARATOR;
  bytes.writeBigInt64BE(sub, 9);
  if (isTombstone) bytes[REVISION_BYTES] = TOMBSTONE;
  return bytes;
}

/** Null: no key of a version. */
export function revisionOf(key: Uint8Array): EtcdRevision | null {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length < REVISION_BYTES || bytes[8] !== SEPARATOR) return null;
  const isTombstone = bytes.length > REVISION_BYTES && bytes[REVISION_BYTES] === TOMBSTONE;
  return { main: bytes.readBigInt64BE(0), sub: bytes.readBigInt64BE(9), isTombstone };
}

export function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function uint64Of(bytes: Uint8Array): bigint {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigUInt64BE(0);
}

/** What a record's key names, if it is of that kind; else null. */
export function recordName(key: Uint8Array, kind: keyof typeof SYSTEM_PREFIX): Uint8Array | null {
  const prefix = SYSTEM_PREFIX[kind];
  const isOf = key.length >= prefix.length && prefix.every((byte, i) => key[i] === byte);
  return isOf ? key.slice(prefix.length) : null;
}
