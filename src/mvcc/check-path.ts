import { compareBytes } from "../base/bytes.ts";
import type { ErrorKey } from "../wire/errors.ts";
import type { DeleteRangeRequest, PutRequest } from "../wire/gen/etcd/rpc_pb.ts";
import { intervalOf } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import type { LeaseTable } from "./lease/lease-table.ts";
import { historyError, type ReadView } from "./read-view.ts";
import { flatten, type TxnPath } from "./txn-path.ts";

/** Where a write's demands on the store are looked up. */
export interface CheckedTables {
  readonly table: KvTable;
  readonly leases: LeaseTable;
}

/**
 * Why a transaction cannot take its path, or null. Looks at the store but writes nothing: the caller
 * already holds a database transaction and could not undo a part of it. First all puts, then all
 * ranges, as in etcd.
 */
export function checkPath({ table, leases }: CheckedTables, path: TxnPath, view: ReadView): ErrorKey | null {
  let deletedFrom: Uint8Array | null = null;
  for (const operation of flatten(path)) {
    if (operation.kind === "deleteRange") {
      deletedFrom = lowestOpenDelete(deletedFrom, operation.request);
    } else if (operation.kind === "put") {
      const error = checkPathPut({ table, leases }, operation.request, deletedFrom, view.bound);
      if (error !== null) return error;
    }
  }
  for (const operation of flatten(path)) {
    if (operation.kind !== "range" || operation.request.revision === 0n) continue;
    const error = historyError(view, Number(operation.request.revision));
    if (error !== null) return error;
  }
  return null;
}

/** From where on an earlier operation of the path has deleted to the end of the keyspace. */
function lowestOpenDelete(lowest: Uint8Array | null, request: DeleteRangeRequest): Uint8Array | null {
  const interval = intervalOf(request.key, request.rangeEnd);
  if (interval.kind === "key" || interval.end !== null) return lowest;
  return lowest === null || compareBytes(interval.from, lowest) < 0 ? interval.from : lowest;
}

/**
 * A put that keeps something needs its key. Only a delete to the end of the keyspace can have removed
 * it earlier on the path (others clash by validation); etcd's process ends there, here it is refused.
 */
function checkPathPut(
  { table, leases }: CheckedTables,
  request: PutRequest,
  deletedFrom: Uint8Array | null,
  bound: number,
): ErrorKey | null {
  if (request.ignoreValue || request.ignoreLease) {
    const isDeleted = deletedFrom !== null && compareBytes(request.key, deletedFrom) >= 0;
    if (isDeleted || table.live(request.key, bound, false) === null) return "keyNotFound";
  }
  return checkLease(leases, request);
}

/** Why a plain put cannot be done, or null: the lease is looked at before the key. */
export function checkPut(
  { table, leases }: CheckedTables,
  request: PutRequest,
  bound: number,
): ErrorKey | null {
  const error = checkLease(leases, request);
  if (error !== null) return error;
  const needsKey = request.ignoreValue || request.ignoreLease;
  return needsKey && table.live(request.key, bound, false) === null ? "keyNotFound" : null;
}

function checkLease(leases: LeaseTable, { lease }: PutRequest): ErrorKey | null {
  return lease === 0n || leases.get(lease) !== null ? null : "leaseNotFound";
}
