import { InvariantError } from "../base/assert.ts";
import type { SqlValue } from "../base/sql.ts";

/**
 * Refuses what one of the two databases would take and the other would change: integers that a
 * double cannot hold, and numbers that are none. Checked by every adapter before binding.
 */
export function assertBindings(bindings: readonly SqlValue[]): void {
  for (const value of bindings) {
    // What it says is put together only when it is said: every value of every statement comes by here.
    if (!isExact(value)) throw new InvariantError(problem(value));
  }
}

function isExact(value: SqlValue): boolean {
  if (typeof value === "number") {
    return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
  }
  return value === null || typeof value === "string" || value instanceof Uint8Array;
}

function problem(value: SqlValue): string {
  return typeof value === "number"
    ? `not an exact number for SQL: ${value}`
    : `not a value for SQL: ${typeof value}`;
}
