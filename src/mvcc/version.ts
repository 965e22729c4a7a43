import { create } from "@bufbuild/protobuf";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { type KeyValue, KeyValueSchema } from "../wire/gen/etcd/kv_pb.ts";
import type { PlainPair } from "../wire/plain-range.ts";
import { leaseIdOf } from "./lease/lease-id.ts";

/** One version of a key, as stored. */
export interface Version {
  /** Position in the store's history. */
  readonly ord: number;
  /** The revision that wrote it: etcd's mod_revision. */
  readonly main: number;
  readonly key: Uint8Array;
  /** etcd's create_revision; 0 for a deletion. */
  readonly createMain: number;
  /** 0 for a deletion. */
  readonly version: number;
  readonly lease: Uint8Array | null;
  /** Null when the read did not ask for values. */
  readonly value: Uint8Array | null;
}

/** Stands for a key without any version, or of which collection has left none: as if deleted at first. */
export const NO_VERSION: Version = {
  ord: 0,
  main: 0,
  key: EMPTY_BYTES,
  createMain: 0,
  version: 0,
  lease: null,
  value: null,
};

/** Bytes of a pair's numbers on the wire, about. */
const NUMBERS_BYTES = 32;

/** What a pair adds to an answer, in bytes (rounded up). */
export function versionBytes(version: Version): number {
  return version.key.length + (version.value?.length ?? 0) + NUMBERS_BYTES;
}

/** The pair as etcd answers it. */
export function toKeyValue(version: Version): KeyValue {
  return create(KeyValueSchema, {
    key: version.key,
    createRevision: BigInt(version.createMain),
    modRevision: BigInt(version.main),
    version: BigInt(version.version),
    value: version.value ?? EMPTY_BYTES,
    lease: leaseOf(version),
  });
}

/** The lease's id; 0 for none. */
export function leaseOf(version: Version): bigint {
  return version.lease === null ? 0n : leaseIdOf(version.lease);
}

/** The pair for the answer to a read of one key. */
export function plainPair(version: Version): PlainPair {
  return {
    key: version.key,
    createRevision: version.createMain,
    modRevision: version.main,
    version: version.version,
    value: version.value ?? EMPTY_BYTES,
    lease: leaseOf(version),
  };
}
