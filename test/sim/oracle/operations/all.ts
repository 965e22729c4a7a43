/** The operations clients use. */
import { ALARM } from "./alarm.ts";
import { COMPACTION } from "./compaction.ts";
import { DELETE_RANGE } from "./delete-range.ts";
import { LEASE_CHECKPOINTS, LEASE_EXPIRY, LEASE_GRANT, LEASE_KEEP_ALIVE, LEASE_REVOKE } from "./lease.ts";
import type { OperationKind, ReadKind, WriteKind } from "./operation-kind.ts";
import { PUT } from "./put.ts";
import { RANGE } from "./range.ts";
import { READ_TXN } from "./read-txn.ts";
import { RESTORE } from "./restore.ts";
import { TXN } from "./txn.ts";
import { HASH, MOVE_LEADER } from "./upkeep.ts";
import { USER_KINDS } from "./users.ts";

export const WRITES: readonly WriteKind[] = [
  PUT,
  DELETE_RANGE,
  TXN,
  COMPACTION,
  ALARM,
  LEASE_GRANT,
  LEASE_REVOKE,
  LEASE_EXPIRY,
  LEASE_CHECKPOINTS,
  RESTORE,
  ...USER_KINDS,
];

/** Known to the clients of runs with users only. */
export const USER_OPERATIONS: readonly OperationKind[] = USER_KINDS;

/** Known to the clients of some runs only. */
export const LEASE_OPERATIONS: readonly OperationKind[] = [LEASE_GRANT, LEASE_REVOKE, LEASE_KEEP_ALIVE];

export const READS: readonly ReadKind[] = [RANGE, READ_TXN];

export const OPERATIONS: readonly OperationKind[] = [
  ...WRITES,
  ...READS,
  HASH,
  MOVE_LEADER,
  LEASE_KEEP_ALIVE,
];
