/** Tries every order there is, on the naive store. Right by inspection, and only for tiny histories. */
import type { Operation, Outcome } from "./operation.ts";
import { SequentialStore } from "./sequential-store.ts";

/** True when some order explains every answer, revisions and all. Local reads are not supported. */
export function bruteForceLinearizable(history: readonly Operation[], baseRevision: number): boolean {
  const effective = history.filter((operation) => operation.outcome.kind !== "failed");
  return explains(effective, new SequentialStore(baseRevision));
}

function explains(left: readonly Operation[], store: SequentialStore): boolean {
  if (left.every((operation) => operation.outcome.kind === "unknown")) return true;
  for (const operation of left) {
    const tooEarly = left.some((other) => other.return !== null && other.return < operation.call);
    if (tooEarly) continue;
    const after = store.clone();
    const outcome = after.apply(operation.key, operation.action);
    if (operation.outcome.kind !== "unknown" && !equal(outcome, operation.outcome)) continue;
    const rest = left.filter((other) => other !== operation);
    if (explains(rest, after)) return true;
  }
  return false;
}

function equal(a: Outcome, b: Outcome): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
