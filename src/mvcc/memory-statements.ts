import type { Generation } from "./mvcc-state.ts";

/** Statements on the remembered answers of one generation. */
export interface MemoryStatements {
  /** Binds: sequence number, answers. */
  readonly insert: string;
  /** The row that holds a command. Binds: its sequence number. */
  readonly rowOf: string;
  /** Rows in order. Binds: from, rows at most. */
  readonly page: string;
  /** Deletes the rows wholly below a sequence number. Binds: that. */
  readonly prune: string;
}

function memoryStatements(generation: Generation): MemoryStatements {
  const table = `dedup_${generation}`;
  return {
    insert: `INSERT INTO ${table} (seq, ops) VALUES (?, ?)`,
    rowOf: `SELECT seq, ops FROM ${table} WHERE seq <= ? ORDER BY seq DESC LIMIT 1`,
    page: `SELECT seq, ops FROM ${table} WHERE seq >= ? ORDER BY seq LIMIT ? + 0`,
    // The row at or below the bound may still hold commands above it; those before it cannot.
    prune: `DELETE FROM ${table} WHERE seq < (SELECT seq FROM ${table} WHERE seq <= ? ORDER BY seq DESC LIMIT 1)`,
  };
}

export const MEMORY_STATEMENTS: Readonly<Record<Generation, MemoryStatements>> = {
  0: memoryStatements(0),
  1: memoryStatements(1),
};
