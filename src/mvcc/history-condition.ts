import type { Generation } from "./mvcc-state.ts";

/**
 * SQL that holds for the versions that compaction has left in history, whether the others have been
 * deleted yet or not: all written after the compacted revision, and of those before it the newest
 * of each key, unless that is a deletion from before the compacted revision.
 * `v` is the row's alias and `compacted` the parameter that binds the compacted revision.
 */
export function isInHistory(generation: Generation, v: string, compacted: string): string {
  return `(${v}.main > ${compacted} OR (
    (${v}.version > 0 OR ${v}.main = ${compacted}) AND NOT EXISTS (
      SELECT 1 FROM kv_${generation} AS newer
      WHERE newer.key = ${v}.key AND newer.ord > ${v}.ord AND newer.main <= ${compacted})))`;
}
