import type { Operation } from "./operation.ts";
import type { RevisionIndex } from "./revision-index.ts";
import type { OrderViolation } from "./revision-order.ts";

/**
 * Every revision without a known writer needs an unknown write of its own, called before anybody was
 * told of that revision. Since an unknown write may take any revision above its floor, counting from
 * below decides it exactly: up to each gap there must be at least as many such writes as gaps.
 */
export function gapViolation(
  history: readonly Operation[],
  floors: Float64Array,
  index: RevisionIndex,
): OrderViolation | null {
  const candidates: number[] = [];
  history.forEach((operation, at) => {
    const { action, outcome } = operation;
    if (action.kind === "get" || outcome.kind !== "unknown" || index.revisionOf(operation) !== null) return;
    candidates.push(floors[at] ?? 0);
  });
  candidates.sort((a, b) => a - b);
  const needs = [...index.gaps(), ...[...index.anonymous()].map((version) => version.revision)];
  needs.sort((a, b) => a - b);
  let available = 0;
  for (const [used, gap] of needs.entries()) {
    while (available < candidates.length && (candidates[available] ?? 0) < gap) available += 1;
    if (available > used) continue;
    return {
      rule: "revision without a write",
      message: `nothing explains revision ${gap}: ${used + 1} revisions up to it have no known write, but only ${available} writes of unknown outcome could have made them (was a write applied twice?)`,
      operations: history.filter((operation) => index.revisionOf(operation) === gap + 1).slice(0, 1),
    };
  }
  return null;
}
