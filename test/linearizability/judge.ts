/** Both judges over one history: the fast check of the revision order, then the search key by key. */
import { checkByKey, explainEvidence } from "./check-by-key.ts";
import { type CheckBudget, DEFAULT_BUDGET } from "./checker.ts";
import type { Operation } from "./operation.ts";
import { checkRevisionOrder, explainOrderViolation } from "./revision-order.ts";

export type Judgement =
  | { readonly kind: "ok"; readonly steps: number }
  | { readonly kind: "violation"; readonly judge: "revision order" | "search"; readonly text: string }
  | { readonly kind: "undecided"; readonly keys: readonly string[]; readonly steps: number };

/** `baseRevision`: the store's revision when the history began; none of its keys existed then. */
export function judge(
  history: readonly Operation[],
  baseRevision: number,
  budget: CheckBudget = DEFAULT_BUDGET,
): Judgement {
  const order = checkRevisionOrder(history, baseRevision);
  if (order.kind === "violation") {
    return { kind: "violation", judge: "revision order", text: explainOrderViolation(order.violation) };
  }
  const search = checkByKey(history, budget);
  if (search.kind === "violation") {
    return { kind: "violation", judge: "search", text: explainEvidence(search.key, search.evidence) };
  }
  return search.kind === "ok" ? { kind: "ok", steps: search.steps } : search;
}
