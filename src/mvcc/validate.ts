/**
 * What is wrong with a request by itself, whatever the store holds. The gateway asks before it
 * proposes; the state machine asks again, since an entry's bytes are its only input.
 * Source: etcd `server/etcdserver/api/v3rpc/key.go`, order of refusals included.
 */
import { LIMITS } from "../base/limits.ts";
import type { ErrorKey } from "../wire/errors.ts";
import type { Command } from "../wire/gen/edged_pb.ts";
import type { RequestOp, TxnRequest } from "../wire/gen/etcd/rpc_pb.ts";
import { validateGrant } from "./lease/validate-lease.ts";
import { validateMemberRequest } from "./member/member-change.ts";
import { validateDeleteRange, validatePut } from "./validate-operation.ts";
import { validateTxn } from "./validate-txn.ts";

export { isMemberRequest } from "./member/member-change.ts";
export { validateRange } from "./validate-operation.ts";

/** Length of an operation id; a command may also have none. */
export const OPERATION_ID_BYTES = 16;

/** The first reason to refuse the command, or null. Its size is judged by {@link isTooLarge}. */
export function validateCommand(command: Command): ErrorKey | null {
  if (command.opId.length !== 0 && command.opId.length !== OPERATION_ID_BYTES) return "invalidCommand";
  const grantError = command.grant === undefined ? null : validateGrant(command.grant);
  if (grantError !== null) return grantError;
  switch (command.request.case) {
    case "put":
      return validatePut(command.request.value);
    case "deleteRange":
      return validateDeleteRange(command.request.value);
    case "txn":
      return validateTxn(command.request.value);
    case "leaseGrant":
      return validateGrant(command.request.value);
    case "leaseRevoke":
    case "leaseCheckpoints":
    case "leaseExpiry":
    case "compaction":
    case "restore":
    case "alarm":
    case "authEnable":
    case "authDisable":
    case "authenticate":
    case "userAdd":
    case "userDelete":
    case "userChangePassword":
    case "userGrantRole":
    case "userRevokeRole":
    case "roleAdd":
    case "roleDelete":
    case "roleGrantPermission":
    case "roleRevokePermission":
      return null;
    case "memberAdd":
    case "memberRemove":
    case "memberUpdate":
    case "memberPromote":
    case "memberStarted":
      return validateMemberRequest(command.request);
    default:
      return "invalidCommand";
  }
}

/** True if no branch writes. As in etcd, a nested transaction counts as a write. */
export function isReadOnly(request: TxnRequest): boolean {
  const isRange = (operation: RequestOp) => operation.request.case === "requestRange";
  return request.success.every(isRange) && request.failure.every(isRange);
}

/**
 * Bytes that etcd's own envelope adds to a request besides its tag and length: the header with a
 * request id. It makes the limit fall on the same request as in etcd.
 */
const ETCD_ENVELOPE_BYTES = 14;

/**
 * True if the command is above `LIMITS.requestBytesMax`. To be asked after {@link validateCommand}.
 * `encodedBytes` is the length of the encoded command, whose id and `seen` do not count.
 */
export function isTooLarge(command: Command, encodedBytes: number): boolean {
  const idBytes = command.opId.length === 0 ? 0 : command.opId.length + 2;
  let seenBytes = command.seen === 0n ? 0 : 2;
  for (let rest = command.seen >> 7n; rest > 0n; rest >>= 7n) seenBytes += 1;
  return encodedBytes - idBytes - seenBytes + ETCD_ENVELOPE_BYTES > LIMITS.requestBytesMax;
}
