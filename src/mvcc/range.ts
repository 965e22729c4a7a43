import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ErrorKey } from "../wire/errors.ts";
import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RangeResponse,
  RangeResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import { type Interval, intervalOf, type Span, successor } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import { filterOf, isFiltered, orderOf, type VersionOrder } from "./range-options.ts";
import { boundOf, historyError, type ReadView } from "./read-view.ts";
import { scanSpan } from "./scan.ts";
import { TopVersions } from "./top-versions.ts";
import { toKeyValue, type Version, versionBytes } from "./version.ts";

/** What was found: the pairs to answer, how many more there are, and the count of the interval. */
interface Found {
  readonly versions: readonly Version[];
  readonly more: boolean;
  readonly count: number;
}

/**
 * Answers a range read that {@link validateRange} has passed. etcd's order of work: the interval at a
 * revision, filters, sorting, limit, keys_only; `count` is taken before filters and limit. Without
 * `counted` a cut answer in key order counts only itself, which spares a walk over all further keys.
 * Errors: compacted, futureRevision, answerTooLarge.
 */
export function executeRange(
  table: KvTable,
  request: RangeRequest,
  view: ReadView,
  counted: boolean,
): Result<RangeResponse, ErrorKey> {
  const revision = Number(request.revision);
  const error = revision > 0 ? historyError(view, revision) : null;
  if (error !== null) return err(error);
  const bound = boundOf(table, view, revision);
  const interval = intervalOf(request.key, request.rangeEnd);
  const header = { revision: BigInt(view.revision) };
  if (request.countOnly) {
    const count = countLive(table, interval, bound);
    return ok(create(RangeResponseSchema, { header, count: BigInt(count) }));
  }
  const found =
    interval.kind === "key"
      ? findKey(table, request, interval.key, bound)
      : findSpan(table, request, interval, bound, counted);
  if (found === null) return err("answerTooLarge");
  const kvs = found.versions.map((version) =>
    toKeyValue(request.keysOnly ? { ...version, value: null } : version),
  );
  return ok(create(RangeResponseSchema, { header, kvs, more: found.more, count: BigInt(found.count) }));
}

function countLive(table: KvTable, interval: Interval, bound: number): number {
  if (interval.kind === "span") return table.count(interval, bound);
  return table.live(interval.key, bound, false) === null ? 0 : 1;
}

function findKey(table: KvTable, request: RangeRequest, key: Uint8Array, bound: number): Found {
  const version = table.live(key, bound, !request.keysOnly);
  if (version === null) return { versions: [], more: false, count: 0 };
  return { versions: filterOf(request)(version) ? [version] : [], more: false, count: 1 };
}

/** Null if the answer would be too large. */
function findSpan(
  table: KvTable,
  request: RangeRequest,
  span: Span,
  bound: number,
  counted: boolean,
): Found | null {
  const limit = request.limit <= 0n ? Number.POSITIVE_INFINITY : Number(request.limit);
  const order = orderOf(request);
  return order === null
    ? findInKeyOrder(table, request, span, bound, { limit, counted })
    : findSorted(table, request, span, bound, { limit, order });
}

function findInKeyOrder(
  table: KvTable,
  request: RangeRequest,
  span: Span,
  bound: number,
  { limit, counted }: { readonly limit: number; readonly counted: boolean },
): Found | null {
  const passes = filterOf(request);
  const expected = isFiltered(request) ? LIMITS.pageKeysMax : limit + 1;
  const versions: Version[] = [];
  let bytes = 0;
  let count = 0;
  for (const version of scanSpan(table, span, bound, !request.keysOnly, expected)) {
    if (passes(version)) {
      if (versions.length >= limit) {
        const rest = counted ? table.count({ ...span, from: version.key }, bound) : 0;
        return { versions, more: true, count: count + rest };
      }
      bytes += versionBytes(version);
      if (bytes > LIMITS.answerBytesMax) return null;
      versions.push(version);
    }
    count += 1;
  }
  return { versions, more: false, count };
}

function findSorted(
  table: KvTable,
  request: RangeRequest,
  span: Span,
  bound: number,
  { limit, order }: { readonly limit: number; readonly order: VersionOrder },
): Found | null {
  const passes = filterOf(request);
  const byValue = request.sortTarget === RangeRequest_SortTarget.VALUE;
  const top = new TopVersions(order, limit);
  const seenMax = looksAhead(request) ? limit + 1 : Number.POSITIVE_INFINITY;
  let seen = 0;
  let lastKey: Uint8Array | null = null;
  for (const version of scanSpan(table, span, bound, byValue, seenMax)) {
    seen += 1;
    lastKey = version.key;
    if (passes(version) && !top.add(version)) return null;
    if (seen >= seenMax) break;
  }
  const rest =
    seen >= seenMax && lastKey !== null ? table.count({ ...span, from: successor(lastKey) }, bound) : 0;
  const versions = withValues(table, top.take(), !byValue && !request.keysOnly);
  return versions === null ? null : { versions, more: top.added > limit, count: seen + rest };
}

/**
 * Without an order and without filters etcd reads one key more than the limit, in key order, before
 * it sorts those by the target: a limit then does not give the lowest of all.
 */
function looksAhead(request: RangeRequest): boolean {
  const isUnordered = request.sortOrder === RangeRequest_SortOrder.NONE;
  return isUnordered && request.limit > 0n && !isFiltered(request);
}

/** Adds the values that the sorting did not need. Null if they are too large together. */
function withValues(
  table: KvTable,
  versions: readonly Version[],
  isNeeded: boolean,
): readonly Version[] | null {
  if (!isNeeded) return versions;
  let bytes = 0;
  const complete: Version[] = [];
  for (const version of versions) {
    const full = { ...version, value: table.value(version.ord) };
    bytes += versionBytes(full);
    if (bytes > LIMITS.answerBytesMax) return null;
    complete.push(full);
  }
  return complete;
}
