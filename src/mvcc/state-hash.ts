import type { Sql } from "../base/sql.ts";
import { utf8 } from "../wire/text.ts";
import { blob, blobOrEmpty, integer } from "./columns.ts";
import type { Counters } from "./counters.ts";
import { Hasher } from "./hasher.ts";
import { isInHistory } from "./history-condition.ts";
import type { Generation } from "./mvcc-state.ts";
import type { OperationMemory } from "./operation-memory.ts";
import type { SystemTable } from "./system-table.ts";

const PAGE_ROWS = 256;

/** Versions in history. Binds: after, compacted revision, rows at most. */
function historyStatement(g: Generation): string {
  return `SELECT ord, main, sub, create_main, version, key, lease, value FROM kv_${g} AS v
    WHERE ord > ?1 AND ${isInHistory(g, "v", "?2")} ORDER BY ord LIMIT ?3 + 0`;
}

const HISTORY: Readonly<Record<Generation, string>> = { 0: historyStatement(0), 1: historyStatement(1) };

/**
 * A hash over all that replicas must agree on: counters, the versions that compaction has left, the
 * records of the group, and the remembered operations. It reads everything, so it is for tests and checks, not for serving.
 */
export function hashState(sql: Sql, state: Counters, memory: OperationMemory, system: SystemTable): string {
  const hasher = new Hasher()
    .number(state.revision)
    .number(state.ord)
    .number(state.sequence)
    .number(state.compactRevision)
    .number(state.systemOrd);
  hashHistory(sql, state, hasher);
  for (const { key, value } of system.all()) hasher.bytes(key).bytes(value);
  for (const [sequence, answer] of memory.remembered(state.sequence)) {
    hasher
      .number(sequence)
      .bytes(answer.opId)
      .number(Number(answer.revision))
      .number(answer.lost ? 1 : 0);
    hasher.bytes(answer.response).bytes(utf8(answer.error));
  }
  return hasher.digest();
}

function hashHistory(sql: Sql, state: Counters, hasher: Hasher): void {
  let after = 0;
  for (;;) {
    const rows = sql.all(HISTORY[state.generation], after, state.compactRevision, PAGE_ROWS);
    for (const row of rows) {
      after = integer(row, 0);
      for (let column = 0; column < 5; column += 1) hasher.number(integer(row, column));
      hasher.bytes(blob(row, 5)).bytes(blobOrEmpty(row, 6)).bytes(blobOrEmpty(row, 7));
    }
    if (rows.length < PAGE_ROWS) return;
  }
}
