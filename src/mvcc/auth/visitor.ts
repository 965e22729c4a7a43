/**
 * What every request needs: the one place that says so, for commands when they are applied and for
 * reads when they are answered. It looks at each field that names a key, a lease, a user or a role,
 * in compares and in both branches of transactions at any depth. A request of a new kind does not
 * compile before it is decided here.
 * Source: etcd `server/etcdserver/apply/auth.go`, `api/v3rpc/{auth,key,maintenance,watch}.go`, with
 * what CVE-2026-33343, CVE-2026-33413, CVE-2023-32082 and GHSA-xg4h-6gfc-h4m8 changed there.
 */
import { assertNever } from "../../base/assert.ts";
import type { Command, Query } from "../../wire/gen/edged_pb.ts";
import {
  AlarmRequest_AlarmAction,
  type DeleteRangeRequest,
  type LeaseTimeToLiveRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type TxnRequest,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { type Interval, intervalOf } from "../interval.ts";
import type { Need } from "./need.ts";

const USER: Need = { kind: "user" };
const ROOT: Need = { kind: "root" };
const GROUP: Need = { kind: "group" };

/** The lowest key there is: what an empty one means to a watch. */
const LOWEST_KEY = Uint8Array.of(0);

/** What a write needs. */
export function* needsOfCommand({ request, grant }: Command): Generator<Need, void> {
  if (grant !== undefined) yield USER;
  switch (request.case) {
    case "put":
      return yield* needsOfPut(request.value);
    case "deleteRange":
      return yield* needsOfDelete(request.value);
    case "txn":
      return yield* needsOfTxn(request.value);
    case "leaseGrant":
      return yield USER;
    case "leaseRevoke":
      yield USER;
      return yield { kind: "write-attached", lease: request.value.ID };
    case "alarm":
      return yield request.value.action === AlarmRequest_AlarmAction.GET ? USER : ROOT;
    // Signing in is what makes a user of somebody.
    case "authenticate":
      return;
    case "compaction":
    case "memberAdd":
    case "memberRemove":
    case "memberUpdate":
    case "memberPromote":
    case "restore":
    case "authEnable":
    case "authDisable":
    case "userAdd":
    case "userDelete":
    case "userChangePassword":
    case "userGrantRole":
    case "userRevokeRole":
    case "roleAdd":
    case "roleDelete":
    case "roleGrantPermission":
    case "roleRevokePermission":
      return yield ROOT;
    case "leaseCheckpoints":
    case "leaseExpiry":
    case "memberStarted":
    case undefined:
      return yield GROUP;
    default:
      return assertNever(request, "command");
  }
}

/** What a read of something else than keys needs. */
export function* needsOfQuery({ request }: Query): Generator<Need, void> {
  switch (request.case) {
    case "leaseTimeToLive":
      return yield* needsOfTimeToLive(request.value);
    case "leaseKeepAlive":
      yield USER;
      return yield { kind: "write-attached", lease: request.value.ID };
    case "leaseLeases":
    case "memberList":
    case "alarmList":
    case "status":
      return yield USER;
    case "userGet":
      return yield { kind: "be-user", name: request.value.name };
    case "roleGet":
      return yield { kind: "have-role", name: request.value.role };
    case "userList":
    case "roleList":
    case "hash":
    case "hashKv":
    case "hashSlice":
    case "backup":
    case "moveLeader":
      return yield ROOT;
    // Whoever has no token yet must be able to learn that one is needed.
    case "authStatus":
    // Asked by the gateway alone, for somebody who is signing in.
    case "password":
      return;
    case undefined:
      return yield GROUP;
    default:
      return assertNever(request, "query");
  }
}

export function* needsOfRange({
  key,
  rangeEnd,
}: Pick<RangeRequest, "key" | "rangeEnd">): Generator<Need, void> {
  yield read(key, rangeEnd);
}

/** What a watch of these keys needs. */
export function* needsOfWatch(key: Uint8Array, rangeEnd: Uint8Array): Generator<Need, void> {
  yield read(key.length === 0 ? LOWEST_KEY : key, rangeEnd);
}

/** A transaction without compares and operations needs nothing, not even a user. */
export function* needsOfTxn({ compare, success, failure }: TxnRequest): Generator<Need, void> {
  for (const { key, rangeEnd } of compare) yield read(key, rangeEnd);
  for (const operation of success) yield* needsOfOperation(operation);
  for (const operation of failure) yield* needsOfOperation(operation);
}

function* needsOfOperation({ request }: RequestOp): Generator<Need, void> {
  switch (request.case) {
    case "requestRange":
      return yield* needsOfRange(request.value);
    case "requestPut":
      return yield* needsOfPut(request.value);
    case "requestDeleteRange":
      return yield* needsOfDelete(request.value);
    case "requestTxn":
      return yield* needsOfTxn(request.value);
    case undefined:
      return;
    default:
      return assertNever(request, "operation");
  }
}

/**
 * A lease ends with all its keys: who may not write those that it has already could not revoke it,
 * and must not bind more keys to its fate.
 */
function* needsOfPut({ key, lease, prevKv }: PutRequest): Generator<Need, void> {
  const interval: Interval = { kind: "key", key };
  yield { kind: "write", interval };
  if (lease !== 0n) yield { kind: "write-attached", lease };
  if (prevKv) yield { kind: "read", interval };
}

function* needsOfDelete({ key, rangeEnd, prevKv }: DeleteRangeRequest): Generator<Need, void> {
  yield { kind: "write", interval: intervalOf(key, rangeEnd) };
  if (prevKv) yield read(key, rangeEnd);
}

function* needsOfTimeToLive({ ID, keys }: LeaseTimeToLiveRequest): Generator<Need, void> {
  yield USER;
  if (keys) yield { kind: "read-attached", lease: ID };
}

function read(key: Uint8Array, rangeEnd: Uint8Array): Need {
  return { kind: "read", interval: intervalOf(key, rangeEnd) };
}
