/**
 * The port to a replica's database: SQLite, synchronous, one writer. It stands in `base` because the
 * state machine and the storage are both written against it and may not import each other.
 * Adapters: Durable Object SQLite and `node:sqlite` (src/storage). One suite runs on both.
 */

/**
 * What may be bound and what comes back. Numbers must be safe integers or floats: Durable Object
 * SQLite refuses BigInt and rounds integers above 2^53, so 64-bit ids travel as 8-byte blobs.
 */
export type SqlValue = number | string | Uint8Array | null;

/** One row: its columns in the order of the SELECT list. */
export type SqlRow = readonly SqlValue[];

export interface Sql {
  /** Runs one statement and discards its rows. */
  run(statement: string, ...bindings: readonly SqlValue[]): void;
  /**
   * Runs one statement and returns all its rows. Callers bound the number with LIMIT. A bound one is
   * written `LIMIT ? + 0`: SQLite looks at the value of a bare parameter when it plans, and so compiles
   * the statement anew each time one is bound, which costs ten times as much as running it.
   */
  all(statement: string, ...bindings: readonly SqlValue[]): SqlRow[];
  /** The first row, or null when there is none. */
  first(statement: string, ...bindings: readonly SqlValue[]): SqlRow | null;
  /** Runs `body` all-or-nothing: if it throws, nothing it wrote remains. Not re-entrant. */
  transaction<T>(body: () => T): T;
  /**
   * Runs `body`, whose writes become durable all together: for whoever ends its instance when `body`
   * throws, before anything else, and what it wrote with it. A turn of a replica is that. To be able to
   * take back what was written costs a copy of every page that is (docs/decisions/0017). Not re-entrant.
   */
  turn<T>(body: () => T): T;
  /** Bytes of the pages in use: what was deleted does not count, as on the platform. */
  sizeBytes(): number;
}
