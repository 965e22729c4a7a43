/** Typed access to the columns of a row. A wrong type means a broken database: it halts the replica. */
import { assert } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { SqlRow } from "../base/sql.ts";

export function integer(row: SqlRow, column: number): number {
  const value = row[column];
  assert(typeof value === "number" && Number.isSafeInteger(value), `column ${column} must be an integer`);
  return value;
}

export function blob(row: SqlRow, column: number): Uint8Array {
  const value = row[column];
  assert(value instanceof Uint8Array, `column ${column} must be a blob`);
  return value;
}

export function blobOrNull(row: SqlRow, column: number): Uint8Array | null {
  return row[column] === null ? null : blob(row, column);
}

/** The blob, or no bytes for NULL. */
export function blobOrEmpty(row: SqlRow, column: number): Uint8Array {
  return blobOrNull(row, column) ?? EMPTY_BYTES;
}
