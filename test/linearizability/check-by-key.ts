/**
 * The search, one key at a time: a history of single-key operations is linearizable if and only if that
 * of each key is. What revisions say across keys is the business of revision-order.ts.
 */
import { type CheckBudget, checkLinearizable, DEFAULT_BUDGET, type Evidence } from "./checker.ts";
import { describeOperation, type Operation } from "./operation.ts";
import { registerModel } from "./register-model.ts";
import { settleUnknown } from "./settle-unknown.ts";

export type KeyVerdict =
  | { readonly kind: "ok"; readonly keys: number; readonly steps: number }
  | {
      readonly kind: "violation";
      readonly key: string;
      readonly steps: number;
      readonly evidence: Evidence<Operation>;
    }
  | { readonly kind: "undecided"; readonly keys: readonly string[]; readonly steps: number };

/** `budget.stepsMax` holds for each key. A violation of one key outweighs undecided others. */
export function checkByKey(history: readonly Operation[], budget: CheckBudget = DEFAULT_BUDGET): KeyVerdict {
  const byKey = new Map<string, Operation[]>();
  for (const operation of history) {
    const list = byKey.get(operation.key);
    if (list === undefined) byKey.set(operation.key, [operation]);
    else list.push(operation);
  }
  const undecided: string[] = [];
  let steps = 0;
  for (const [key, operations] of byKey) {
    const verdict = checkLinearizable(registerModel, settleUnknown(operations).filter(matters), budget);
    steps += verdict.steps;
    if (verdict.kind === "violation") return { kind: "violation", key, steps, evidence: verdict.evidence };
    if (verdict.kind === "undecided") undecided.push(key);
  }
  if (undecided.length > 0) return { kind: "undecided", keys: undecided, steps };
  return { kind: "ok", keys: byKey.size, steps };
}

/** Operations without effect and without answer say nothing; local reads may lawfully be stale. */
function matters(operation: Operation): boolean {
  const { action, outcome } = operation;
  if (outcome.kind === "failed") return false;
  if (action.kind !== "get") return true;
  return outcome.kind !== "unknown" && action.consistency === "linearizable";
}

/** A violation for people: the operation that fits nowhere, and what stood around it. */
export function explainEvidence(key: string, evidence: Evidence<Operation>): string {
  const lines = [
    `key ${key}: no order explains this answer (every history that ends before it has one):`,
    `  ${describeOperation(evidence.blocked)}`,
    "the order that came furthest ends with:",
    ...evidence.placed.map((operation) => `  ${describeOperation(operation)}`),
    `and leaves the key at (store revision at least / mod_revision / value): ${evidence.state}`,
  ];
  if (evidence.pending.length > 0) {
    lines.push("under way at that moment, and of no help:");
    for (const operation of evidence.pending.slice(0, 20)) lines.push(`  ${describeOperation(operation)}`);
  }
  return lines.join("\n");
}
