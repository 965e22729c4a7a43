/** The operations clients use. */
import { ALARM } from "./alarm.ts";
import { COMPACTION } from "./compaction.ts";
import { DELETE_RANGE } from "./delete-range.ts";
import type { OperationKind, ReadKind, WriteKind } from "./operation-kind.ts";
import { PUT } from "./put.ts";
import { RANGE } from "./range.ts";
import { READ_TXN } from "./read-txn.ts";
import { TXN } from "./txn.ts";
import { HASH, MOVE_LEADER } from "./upkeep.ts";

export const WRITES: readonly WriteKind[] = [PUT, DELETE_RANGE, TXN, COMPACTION, ALARM];

export const READS: readonly ReadKind[] = [RANGE, READ_TXN];

export const OPERATIONS: readonly OperationKind[] = [...WRITES, ...READS, HASH, MOVE_LEADER];
