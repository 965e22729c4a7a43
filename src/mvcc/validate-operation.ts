/** What is wrong with a single operation by itself. Source: etcd `api/v3rpc/key.go`. */
import { LIMITS } from "../base/limits.ts";
import type { ErrorKey } from "../wire/errors.ts";
import {
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  RangeRequest_SortTarget,
} from "../wire/gen/etcd/rpc_pb.ts";

export function validatePut(request: PutRequest): ErrorKey | null {
  if (request.key.length === 0) return "emptyKey";
  if (request.ignoreValue && request.value.length > 0) return "valueProvided";
  if (request.ignoreLease && request.lease !== 0n) return "leaseProvided";
  if (request.key.length > LIMITS.keyBytesMax) return "keyTooLarge";
  return null;
}

export function validateDeleteRange(request: DeleteRangeRequest): ErrorKey | null {
  return request.key.length === 0 ? "emptyKey" : null;
}

/** A sort target without a name ends etcd's process; here it is refused. */
export function validateRange(request: RangeRequest): ErrorKey | null {
  if (request.key.length === 0) return "emptyKey";
  const { sortTarget } = request;
  if (sortTarget < RangeRequest_SortTarget.KEY || sortTarget > RangeRequest_SortTarget.VALUE) {
    return "invalidSortOption";
  }
  return null;
}
