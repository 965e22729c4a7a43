/**
 * A hash over history up to a revision, a bounded part at a time. It is made of what compaction has
 * left in history, not of what is stored, so that replicas that have deleted more or less answer the
 * same; positions are left out, so that a restored cluster does too.
 */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { type HashSlice, HashSliceSchema } from "../wire/gen/edged_pb.ts";
import { blob, blobOrEmpty, integer } from "./columns.ts";
import { Hasher } from "./hasher.ts";
import { KvTable } from "./kv-table.ts";
import type { MvccState } from "./mvcc-state.ts";
import { exportChunk } from "./snapshot.ts";
import type { SnapshotCursor } from "./snapshot-types.ts";

/**
 * The hash with the next rows in it. Errors: futureRevision; compacted, also when history was compacted
 * since the first slice.
 */
export function hashSlice(sql: Sql, state: MvccState, slice: HashSlice): Result<HashSlice, ErrorKey> {
  const revision = slice.revision > 0n ? Number(slice.revision) : state.revision;
  const compactRevision = slice.begun ? Number(slice.compactRevision) : state.compactRevision;
  if (revision > state.revision) return err("futureRevision");
  if (revision < state.compactRevision || compactRevision !== state.compactRevision) return err("compacted");
  const ord =
    revision === state.revision
      ? state.ord
      : new KvTable(sql, state.generation).ordOfRevision(revision, state.ord);
  const hasher = slice.begun ? new Hasher(slice.low, slice.high) : new Hasher();
  const bounds = { state: { ...state, ord } };
  let bytes = 0;
  let cursor: SnapshotCursor = { table: "kv", after: Number(slice.ord) };
  while (cursor.table === "kv" && bytes < LIMITS.hashSliceBytesMax) {
    const chunk = exportChunk(sql, state.generation, bounds, cursor, LIMITS.snapshotChunkBytesMax);
    for (const row of chunk.rows) bytes += hashRow(hasher, row);
    // Other tables follow the last chunk of this one.
    cursor = chunk.next ?? { table: "system", after: 0 };
  }
  const { low, high } = hasher.state();
  const done = cursor.table !== "kv";
  return ok(
    create(HashSliceSchema, {
      revision: BigInt(revision),
      compactRevision: BigInt(compactRevision),
      ord: BigInt(done ? ord : cursor.after),
      low,
      high,
      begun: true,
      done,
    }),
  );
}

function hashRow(hasher: Hasher, row: SqlRow): number {
  const key = blob(row, 3);
  const value = blobOrEmpty(row, 7);
  for (const column of [1, 2, 4, 5]) hasher.number(integer(row, column));
  hasher.bytes(key).bytes(blobOrEmpty(row, 6)).bytes(value);
  return key.length + value.length + ROW_BYTES;
}

/** What a row costs besides its blobs. */
const ROW_BYTES = 48;
