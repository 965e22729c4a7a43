import { compareBytes, EMPTY_BYTES } from "../base/bytes.ts";
import { type Compare, Compare_CompareResult, Compare_CompareTarget } from "../wire/gen/etcd/rpc_pb.ts";
import { intervalOf } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import { scanSpan } from "./scan.ts";
import { leaseOf, NO_VERSION, type Version } from "./version.ts";

/**
 * True if the compare holds at `bound`: for its key, or for every key of its interval. An empty
 * interval is like one missing key, and a missing key has no value: comparing that never holds.
 */
export function holds(table: KvTable, compare: Compare, bound: number): boolean {
  const interval = intervalOf(compare.key, compare.rangeEnd);
  const isByValue = compare.target === Compare_CompareTarget.VALUE;
  if (interval.kind === "key") {
    const version = table.live(interval.key, bound, isByValue);
    return version === null ? holdsForMissing(compare) : holdsFor(compare, version);
  }
  let isEmpty = true;
  for (const version of scanSpan(table, interval, bound, isByValue)) {
    isEmpty = false;
    if (!holdsFor(compare, version)) return false;
  }
  return isEmpty ? holdsForMissing(compare) : true;
}

function holdsForMissing(compare: Compare): boolean {
  return compare.target !== Compare_CompareTarget.VALUE && holdsFor(compare, NO_VERSION);
}

function holdsFor(compare: Compare, version: Version): boolean {
  const difference = differenceOf(compare, version);
  switch (compare.result) {
    case Compare_CompareResult.EQUAL:
      return difference === 0;
    case Compare_CompareResult.NOT_EQUAL:
      return difference !== 0;
    case Compare_CompareResult.GREATER:
      return difference > 0;
    case Compare_CompareResult.LESS:
      return difference < 0;
    default:
      // A result without a name arrives as its number; etcd lets it hold.
      return true;
  }
}

/** An operand that does not belong to the target counts as zero or empty. */
function differenceOf({ target, targetUnion }: Compare, version: Version): number {
  switch (target) {
    case Compare_CompareTarget.VALUE: {
      const operand = targetUnion.case === "value" ? targetUnion.value : EMPTY_BYTES;
      return compareBytes(version.value ?? EMPTY_BYTES, operand);
    }
    case Compare_CompareTarget.VERSION:
      return compareNumbers(BigInt(version.version), targetUnion.case === "version" ? targetUnion.value : 0n);
    case Compare_CompareTarget.CREATE:
      return compareNumbers(
        BigInt(version.createMain),
        targetUnion.case === "createRevision" ? targetUnion.value : 0n,
      );
    case Compare_CompareTarget.MOD:
      return compareNumbers(
        BigInt(version.main),
        targetUnion.case === "modRevision" ? targetUnion.value : 0n,
      );
    case Compare_CompareTarget.LEASE:
      return compareNumbers(leaseOf(version), targetUnion.case === "lease" ? targetUnion.value : 0n);
    default:
      return 0;
  }
}

function compareNumbers(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
