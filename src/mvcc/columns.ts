/**
 * Typed access to the columns of a row. A wrong type means a broken database: it halts the replica. Every
 * column that is read comes by here, so what would be said is put together only when it is.
 */
import { InvariantError } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { SqlRow } from "../base/sql.ts";

export function integer(row: SqlRow, column: number): number {
  const value = row[column];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new InvariantError(`column ${column} must be an integer`);
}

export function blob(row: SqlRow, column: number): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new InvariantError(`column ${column} must be a blob`);
}

export function blobOrNull(row: SqlRow, column: number): Uint8Array | null {
  return row[column] === null ? null : blob(row, column);
}

/** The blob, or no bytes for NULL. */
export function blobOrEmpty(row: SqlRow, column: number): Uint8Array {
  return blobOrNull(row, column) ?? EMPTY_BYTES;
}
