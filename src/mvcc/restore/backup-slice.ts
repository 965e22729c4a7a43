/** The rows of a backup as the wire has them, a bounded part at a time, out of a pinned state machine. */
import { create } from "@bufbuild/protobuf";
import type { Sql, SqlRow } from "../../base/sql.ts";
import {
  type GroupRecord,
  GroupRecordSchema,
  type KeyVersion,
  KeyVersionSchema,
} from "../../wire/gen/edged_pb.ts";
import { blob, blobOrEmpty, blobOrNull, integer } from "../columns.ts";
import { leaseIdOf } from "../lease/lease-id.ts";
import { exportChunk } from "../snapshot.ts";
import type { SnapshotBounds, SnapshotCursor } from "../snapshot-types.ts";
import { isRestored } from "./restored-records.ts";

export interface BackupRows {
  readonly versions: KeyVersion[];
  readonly records: GroupRecord[];
  /** Null after the last rows. */
  readonly next: SnapshotCursor | null;
}

/** The rows after `cursor`. Remembered operations are left out: nobody repeats what another cluster was asked. */
export function backupRows(
  sql: Sql,
  bounds: SnapshotBounds,
  cursor: SnapshotCursor,
  bytesMax: number,
): BackupRows {
  const chunk = exportChunk(sql, bounds.state.generation, bounds, cursor, bytesMax);
  const next: SnapshotCursor | null =
    chunk.next?.table === "dedup" ? { table: "system", after: 0 } : chunk.next;
  return {
    versions: chunk.table === "kv" ? chunk.rows.map(versionOf) : [],
    records: chunk.table === "system" ? chunk.rows.map(recordOf).filter(({ key }) => isRestored(key)) : [],
    next,
  };
}

function versionOf(row: SqlRow): KeyVersion {
  const lease = blobOrNull(row, 6);
  return create(KeyVersionSchema, {
    ord: BigInt(integer(row, 0)),
    main: BigInt(integer(row, 1)),
    sub: BigInt(integer(row, 2)),
    key: blob(row, 3),
    createMain: BigInt(integer(row, 4)),
    version: BigInt(integer(row, 5)),
    lease: lease === null ? 0n : BigInt.asUintN(64, leaseIdOf(lease)),
    value: blobOrEmpty(row, 7),
  });
}

function recordOf(row: SqlRow): GroupRecord {
  return create(GroupRecordSchema, { key: blob(row, 1), value: blob(row, 2) });
}
