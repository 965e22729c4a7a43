import { LIMITS } from "../base/limits.ts";
import { type Span, successor } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import { type Version, versionBytes } from "./version.ts";

/**
 * The live versions of a span at `bound`, in key order, read in pages that are bounded by count and,
 * with values, by bytes. `expected` is how many the caller will take, to size the first page.
 */
export function* scanSpan(
  table: KvTable,
  span: Span,
  bound: number,
  withValues: boolean,
  expected: number = LIMITS.pageKeysMax,
): Generator<Version, void> {
  const rowsMax = Math.min(expected, LIMITS.pageKeysMax);
  let rest = span;
  for (;;) {
    const page = withValues
      ? table.pageWithValues(rest, bound, rowsMax, LIMITS.pageBytesMax)
      : table.page(rest, bound, rowsMax);
    let bytes = 0;
    for (const version of page) {
      bytes += versionBytes(version);
      yield version;
    }
    const last = page.at(-1);
    // A page that was cut by neither bound was the last one.
    if (last === undefined || (page.length < rowsMax && bytes < LIMITS.pageBytesMax)) return;
    rest = { ...rest, from: successor(last.key) };
  }
}
