import { assert } from "../base/assert.ts";
import type { SqlValue } from "../base/sql.ts";

/**
 * Refuses what one of the two databases would take and the other would change: integers that a
 * double cannot hold, and numbers that are none. Checked by every adapter before binding.
 */
export function assertBindings(bindings: readonly SqlValue[]): void {
  for (const value of bindings) {
    if (typeof value === "number") {
      assert(
        Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value)),
        `not an exact number for SQL: ${value}`,
      );
    } else {
      assert(
        value === null || typeof value === "string" || value instanceof Uint8Array,
        `not a value for SQL: ${typeof value}`,
      );
    }
  }
}
