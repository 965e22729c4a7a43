/**
 * The fast judge, O(n log n), for the history of a whole store: every answer carries the revision it
 * belongs to, so the order to be checked is known and no search is needed. It checks that
 * - no two writes share a revision, and no revision is without a write that may have made it
 *   (a write applied twice leaves such a revision behind);
 * - revisions respect real time: a write's is above, a read's at least, every revision returned before
 *   the call;
 * - every answer is what the writes up to its revision say: values, mod_revisions, comparisons.
 *
 * Without unknown outcomes the verdict is exact both ways. With unknown outcomes a violation is still
 * certain, but "ok" may overlook one that only the search over all placements finds. No value may be
 * written twice: it tells which unknown write a reader saw.
 */

import { describeOperation, type Operation } from "./operation.ts";
import { checkAnswer } from "./revision-answer.ts";
import { floors } from "./revision-floors.ts";
import { gapViolation } from "./revision-gaps.ts";
import { RevisionIndex } from "./revision-index.ts";

export type OrderVerdict =
  | { readonly kind: "ok"; readonly operations: number; readonly lastRevision: number }
  | { readonly kind: "violation"; readonly violation: OrderViolation };

export interface OrderViolation {
  readonly rule: string;
  readonly message: string;
  readonly operations: readonly Operation[];
}

/** `baseRevision`: the store's revision when the history began; its keys did not exist then. */
export function checkRevisionOrder(history: readonly Operation[], baseRevision: number): OrderVerdict {
  const index = new RevisionIndex(baseRevision);
  const built = index.build(history);
  if (built !== null) return { kind: "violation", violation: built };
  const floor = floors(history, baseRevision);
  for (let at = 0; at < history.length; at += 1) {
    const operation = history[at];
    if (operation === undefined) continue;
    const violation = realTimeViolation(operation, floor[at] ?? 0, index) ?? checkAnswer(operation, index);
    if (violation !== null) return { kind: "violation", violation };
  }
  const gap = gapViolation(history, floor, index);
  if (gap !== null) return { kind: "violation", violation: gap };
  return { kind: "ok", operations: history.length, lastRevision: index.lastRevision };
}

function realTimeViolation(operation: Operation, floor: number, index: RevisionIndex): OrderViolation | null {
  const written = index.revisionOf(operation);
  if (written !== null) {
    if (written > floor) return null;
    return {
      rule: "real time",
      message: `the write's revision ${written} is not above ${floor}, which was returned before its call`,
      operations: [operation],
    };
  }
  const { action, outcome } = operation;
  if (outcome.kind === "failed" || outcome.kind === "unknown") return null;
  if (action.kind === "get" && action.consistency === "serializable") return null;
  if (outcome.revision >= floor) return null;
  return {
    rule: "real time",
    message: `answered at revision ${outcome.revision}, although ${floor} was returned before the call`,
    operations: [operation],
  };
}

/** A violation for people. */
export function explainOrderViolation(violation: OrderViolation): string {
  const lines = violation.operations.slice(0, 20).map((operation) => `  ${describeOperation(operation)}`);
  return [`${violation.rule}: ${violation.message}`, ...lines].join("\n");
}
