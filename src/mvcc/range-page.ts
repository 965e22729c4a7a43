/**
 * A range read a page at a time, bounded by bytes and by keys looked at: the pages of one revision
 * together are the whole answer. Only answers in key order have pages; others come whole or not at all.
 */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { type RangeRequest, type RangeResponse, RangeResponseSchema } from "../wire/gen/etcd/rpc_pb.ts";
import { intervalOf } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import { executeRange } from "./range.ts";
import { filterOf, isFiltered, orderOf } from "./range-options.ts";
import { boundOf, historyError, type ReadView } from "./read-view.ts";
import { scanSpan } from "./scan.ts";
import { toKeyValue, type Version, versionBytes } from "./version.ts";

export interface RangePage {
  /**
   * Of a page that was cut, `count` tells the keys that it passed; the last page adds those that are
   * left, so that the counts of all pages make the count of the interval.
   */
  readonly response: RangeResponse;
  /** Where the next page begins; null after the last one. */
  readonly next: Uint8Array | null;
}

/** Errors: compacted, futureRevision; answerTooLarge where an answer has no pages. */
export function executePage(
  table: KvTable,
  request: RangeRequest,
  view: ReadView,
  counted: boolean,
): Result<RangePage, ErrorKey> {
  const span = intervalOf(request.key, request.rangeEnd);
  if (span.kind === "key" || request.countOnly || orderOf(request) !== null) {
    const whole = executeRange(table, request, view, counted);
    return whole.ok ? ok({ response: whole.value, next: null }) : whole;
  }
  const revision = Number(request.revision);
  const error = revision > 0 ? historyError(view, revision) : null;
  if (error !== null) return err(error);
  const bound = boundOf(table, view, revision);
  const limit = request.limit <= 0n ? Number.POSITIVE_INFINITY : Number(request.limit);
  const expected = isFiltered(request) ? LIMITS.pageKeysMax : limit + 1;
  const passes = filterOf(request);
  const versions: Version[] = [];
  let bytes = 0;
  let count = 0;
  const page = (more: boolean, next: Uint8Array | null, rest = 0): Result<RangePage, ErrorKey> => {
    const kvs = versions.map((version) =>
      toKeyValue(request.keysOnly ? { ...version, value: null } : version),
    );
    const header = { revision: BigInt(view.revision) };
    return ok({
      response: create(RangeResponseSchema, { header, kvs, more, count: BigInt(count + rest) }),
      next,
    });
  };
  for (const version of scanSpan(table, span, bound, !request.keysOnly, expected)) {
    const isWanted = passes(version);
    if (versions.length >= limit) {
      // A page is never cut here: what is left of the limit would be nothing, which means no limit.
      if (isWanted) {
        return page(true, null, counted ? table.count({ ...span, from: version.key }, bound) : 0);
      }
    } else {
      const size = versionBytes(version);
      const isFull = versions.length > 0 && bytes + size > LIMITS.pageBytesMax;
      if (isFull || count >= LIMITS.pageScanKeysMax) return page(true, version.key);
      if (isWanted) {
        bytes += size;
        versions.push(version);
      }
    }
    count += 1;
  }
  return page(false, null);
}
