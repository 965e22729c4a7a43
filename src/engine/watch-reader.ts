/** Answers a watch call from history, if there is anything to tell. */
import { LIMITS } from "../base/limits.ts";
import { intervalOf } from "../mvcc/interval.ts";
import type { Change, History } from "../mvcc/watch/history.ts";
import { IntervalIndex } from "../mvcc/watch/interval-index.ts";
import type { HistoryPosition, WatchCall, WatchEvent, WatchRange } from "./replica-api.ts";
import { WatchBatch } from "./watch-batch.ts";

/** An answer without its header. */
export interface WatchFindings {
  readonly events: readonly WatchEvent[];
  readonly next: HistoryPosition;
  readonly compacted: readonly number[];
  readonly compactRevision: number;
}

/** Rows of one page: some are only passed over, so little is read at a time. */
const PAGE_ROWS = 256;

/** True if `range` wants the change, whose key is known to be in it. */
export function isWanted({ from, noPut, noDelete }: WatchRange, change: Change): boolean {
  if (change.version === 0 ? noDelete : noPut) return false;
  return change.main > from.revision || (change.main === from.revision && change.sub >= from.sub);
}

/** The position behind all of history. */
export function endOf({ state }: History): HistoryPosition {
  return { revision: state.revision + 1, sub: 0 };
}

/** True if there is something to tell, were it only that there is more to look at, or that a revision is over. */
export function isAnswer(findings: WatchFindings, history: History, ranges: readonly WatchRange[]): boolean {
  const { events, compacted, next } = findings;
  if (events.length > 0 || compacted.length > 0 || next.revision <= history.state.revision) return true;
  return ranges.some(({ from }) => from.sub > 0 && from.revision < next.revision);
}

/** Looks at a bounded part of history, from the first position asked for. */
export function readWatch(history: History, call: Pick<WatchCall, "ranges" | "bytesMax">): WatchFindings {
  const { compactRevision } = history.state;
  const compacted: number[] = [];
  const active: number[] = [];
  call.ranges.forEach(({ from }, place) => {
    if (from.revision < compactRevision) compacted.push(place);
    else if (from.revision <= history.state.revision) active.push(place);
  });
  const batch = new WatchBatch(call.bytesMax);
  const looked = active.length === 0 ? endOf(history) : look(history, call.ranges, active, batch);
  return { ...batch.end(looked), compacted, compactRevision };
}

/** Fills `batch`; returns how far it looked. */
function look(
  history: History,
  ranges: readonly WatchRange[],
  active: readonly number[],
  batch: WatchBatch,
): HistoryPosition {
  const index = new IntervalIndex<number>();
  let first: HistoryPosition | null = null;
  for (const place of active) {
    const range = ranges[place];
    if (range === undefined) continue;
    index.add(intervalOf(range.key, range.rangeEnd), place);
    if (first === null || isBefore(range.from, first)) first = range.from;
  }
  if (first === null) return endOf(history);
  let position = history.positionBefore(first.revision, first.sub);
  for (let rows = 0; rows < LIMITS.watchScanRowsMax; ) {
    const pageRows = Math.min(PAGE_ROWS, LIMITS.watchScanRowsMax - rows);
    const page = history.changesAfter(position, pageRows);
    rows += page.length;
    for (const change of page) {
      const wanted = index.match(change.key).filter((place) => {
        const range = ranges[place];
        return range !== undefined && isWanted(range, change);
      });
      if (wanted.length > 0) {
        const withPrevKv = wanted.some((place) => ranges[place]?.prevKv === true);
        batch.add(change, history.event(change, withPrevKv), wanted);
        if (batch.isFull) return endOf(history);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) return endOf(history);
    position = last.ord;
    if (rows >= LIMITS.watchScanRowsMax) return behind(history, last);
  }
  return endOf(history);
}

/** The position behind `change`: the next revision, if nothing of this one follows. */
function behind(history: History, change: Change): HistoryPosition {
  const [next] = history.changesAfter(change.ord, 1);
  if (next === undefined) return endOf(history);
  return next.main === change.main
    ? { revision: change.main, sub: change.sub + 1 }
    : { revision: next.main, sub: 0 };
}

function isBefore(a: HistoryPosition, b: HistoryPosition): boolean {
  return a.revision < b.revision || (a.revision === b.revision && a.sub < b.sub);
}
