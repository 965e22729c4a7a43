import { toHex } from "../../../../src/base/bytes.ts";
import type { KeyValue } from "../../../../src/wire/gen/etcd/kv_pb.ts";
import type { Pair } from "../naive-store.ts";

/** A key of an answer in the naive store's terms. */
export function pairOf(kv: KeyValue): Pair {
  return {
    key: toHex(kv.key),
    create: Number(kv.createRevision),
    mod: Number(kv.modRevision),
    version: Number(kv.version),
    value: toHex(kv.value),
    lease: String(kv.lease),
  };
}
