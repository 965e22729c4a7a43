/**
 * When the log is cut. The state machine keeps everything an entry did, so old entries serve only
 * followers that are behind: half of `snapshotEvery` is kept for those, the rest pull a snapshot.
 */
import { LIMITS } from "../base/limits.ts";

export interface TrimInput {
  readonly applied: number;
  /** The log begins after this index. */
  readonly snapshotIndex: number;
  readonly logBytes: number;
  /** Entries after this index are still needed by an open snapshot session; null for none. */
  readonly pinnedIndex: number | null;
}

/** The index up to which the log should be deleted, or null when it is short enough. */
export function trimTarget(input: TrimInput, snapshotEvery: number): number | null {
  const { applied, snapshotIndex, logBytes, pinnedIndex } = input;
  const length = applied - snapshotIndex;
  const tooLong = length >= snapshotEvery;
  if (!tooLong && logBytes <= LIMITS.logBytesMax) return null;
  const keep = Math.floor((tooLong ? snapshotEvery : length) / 2);
  const target = Math.min(applied - keep, pinnedIndex ?? applied);
  return target > snapshotIndex ? target : null;
}
