import { InvariantError } from "../base/assert.ts";
import { compareBytes, EMPTY_BYTES } from "../base/bytes.ts";
import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { Version } from "./version.ts";

export type VersionOrder = (a: Version, b: Version) => number;

export function isFiltered(request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    minModRevision !== 0n || maxModRevision !== 0n || minCreateRevision !== 0n || maxCreateRevision !== 0n
  );
}

/** The revision filters of a range read; zero is no filter. */
export function filterOf(request: RangeRequest): (version: Version) => boolean {
  const minMod = Number(request.minModRevision);
  const maxMod = Number(request.maxModRevision);
  const minCreate = Number(request.minCreateRevision);
  const maxCreate = Number(request.maxCreateRevision);
  return ({ main, createMain }) =>
    (maxMod === 0 || main <= maxMod) &&
    (minMod === 0 || main >= minMod) &&
    (maxCreate === 0 || createMain <= maxCreate) &&
    (minCreate === 0 || createMain >= minCreate);
}

/**
 * How the answer is sorted, or null where key order stays as it is. A target other than the key
 * without an order sorts ascending; an order without a name sorts nothing.
 */
export function orderOf(request: RangeRequest): VersionOrder | null {
  const { sortTarget, sortOrder } = request;
  const isByKey = sortTarget === RangeRequest_SortTarget.KEY;
  switch (sortOrder) {
    case RangeRequest_SortOrder.NONE:
    case RangeRequest_SortOrder.ASCEND:
      return isByKey ? null : ascending(sortTarget);
    case RangeRequest_SortOrder.DESCEND: {
      const order = ascending(sortTarget);
      return (a, b) => order(b, a);
    }
    default:
      return null;
  }
}

function ascending(target: RangeRequest_SortTarget): VersionOrder {
  switch (target) {
    case RangeRequest_SortTarget.KEY:
      return (a, b) => compareBytes(a.key, b.key);
    case RangeRequest_SortTarget.VERSION:
      return (a, b) => a.version - b.version;
    case RangeRequest_SortTarget.CREATE:
      return (a, b) => a.createMain - b.createMain;
    case RangeRequest_SortTarget.MOD:
      return (a, b) => a.main - b.main;
    case RangeRequest_SortTarget.VALUE:
      return (a, b) => compareBytes(a.value ?? EMPTY_BYTES, b.value ?? EMPTY_BYTES);
    default:
      throw new InvariantError(`sort target ${target} should have been refused`);
  }
}
