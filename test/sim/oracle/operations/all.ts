/** The operations clients use. */
import { COMPACTION } from "./compaction.ts";
import { DELETE_RANGE } from "./delete-range.ts";
import type { OperationKind, WriteKind } from "./operation-kind.ts";
import { PUT } from "./put.ts";
import { RANGE } from "./range.ts";
import { TXN } from "./txn.ts";

export const WRITES: readonly WriteKind[] = [PUT, DELETE_RANGE, TXN, COMPACTION];

export const OPERATIONS: readonly OperationKind[] = [...WRITES, RANGE];
