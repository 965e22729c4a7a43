import { toHex } from "../base/bytes.ts";
import { LIMITS } from "../base/limits.ts";
import type { ErrorKey } from "../wire/errors.ts";
import type { RequestOp, TxnRequest } from "../wire/gen/etcd/rpc_pb.ts";
import { intervalOf } from "./interval.ts";
import { IntervalSet } from "./interval-set.ts";
import { validateDeleteRange, validatePut, validateRange } from "./validate-operation.ts";

/** The first reason to refuse a transaction whatever the store holds, or null. All branches count. */
export function validateTxn(request: TxnRequest): ErrorKey | null {
  return (
    checkOperations(request, LIMITS.txnOpsMax) ??
    checkBranch(request.success).error ??
    checkBranch(request.failure).error
  );
}

function checkOperations(request: TxnRequest, operationsMax: number): ErrorKey | null {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (operations > operationsMax) return "tooManyOps";
  for (const compare of request.compare) if (compare.key.length === 0) return "emptyKey";
  for (const branch of [request.success, request.failure]) {
    for (const operation of branch) {
      const error = checkOperation(operation, operationsMax - operations);
      if (error !== null) return error;
    }
  }
  return null;
}

function checkOperation(operation: RequestOp, operationsMax: number): ErrorKey | null {
  switch (operation.request.case) {
    case "requestRange":
      return validateRange(operation.request.value);
    case "requestPut":
      return validatePut(operation.request.value);
    case "requestDeleteRange":
      return validateDeleteRange(operation.request.value);
    case "requestTxn":
      return checkOperations(operation.request.value, operationsMax);
    case undefined:
      return "keyNotFound";
  }
}

/** What a branch would change, at any depth: keys put (by hex) and intervals deleted. */
interface BranchChanges {
  readonly error: ErrorKey | null;
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: IntervalSet;
}

/**
 * A key may be put once on a path, and not put where the path deletes. As in etcd, deletes to the
 * end of the keyspace and upside-down intervals never clash, and the puts of a nested transaction
 * are held against the deletes of earlier siblings only.
 * Source: etcd `checkIntervals`.
 */
function checkBranch(operations: readonly RequestOp[]): BranchChanges {
  const puts = new Map<string, Uint8Array>();
  const deletes = new IntervalSet();
  const changes = (error: ErrorKey | null): BranchChanges => ({ error, puts, deletes });
  for (const { request } of operations) {
    if (request.case !== "requestDeleteRange") continue;
    deletes.add(intervalOf(request.value.key, request.value.rangeEnd));
  }
  for (const { request } of operations) {
    if (request.case !== "requestTxn") continue;
    const success = checkBranch(request.value.success);
    if (success.error !== null) return changes(success.error);
    const failure = checkBranch(request.value.failure);
    if (failure.error !== null) return changes(failure.error);
    // The two branches exclude each other, so both are held against what was there before.
    const nested = [...success.puts, ...failure.puts];
    for (const [id, key] of nested) {
      if (puts.has(id) || deletes.has(key)) return changes("duplicateKey");
    }
    for (const [id, key] of nested) puts.set(id, key);
    deletes.addAll(success.deletes);
    deletes.addAll(failure.deletes);
  }
  for (const { request } of operations) {
    if (request.case !== "requestPut") continue;
    const id = toHex(request.value.key);
    if (puts.has(id) || deletes.has(request.value.key)) return changes("duplicateKey");
    puts.set(id, request.value.key);
  }
  return changes(null);
}
