/** Leadership transfer (thesis 3.10): catch the target up, then let it campaign without waiting. */
import { isVoter } from "./configuration.ts";
import type { Core } from "./core.ts";
import type { Progress } from "./progress.ts";
import { wakeLeader } from "./sleep.ts";
import type { NodeId } from "./types.ts";

export type TransferResult = "started" | "already-leader" | "not-leader" | "not-a-voter";

/**
 * The target must be a voter. A transfer to somebody else replaces one under way; asking again for the
 * same one does not prolong it, or impatient callers could keep proposals out for ever.
 */
export function startTransfer(core: Core, to: NodeId): TransferResult {
  if (core.role !== "leader") return "not-leader";
  if (to === core.id) return "already-leader";
  const progress = core.progress.get(to);
  if (progress === undefined || !isVoter(core.configurations.current, to)) return "not-a-voter";
  if (core.transferee === to) return "started";
  wakeLeader(core);
  core.transferee = to;
  core.transferAt = core.now + core.options.electionMs;
  maybeHandOver(core, to, progress);
  return "started";
}

/** Sends TimeoutNow once the target has the whole log: before, it would lose the election. */
export function maybeHandOver(core: Core, to: NodeId, progress: Progress): void {
  if (core.transferee !== to || progress.match !== core.log.last) return;
  core.send(to, { kind: "timeout-now", term: core.term });
}

/** Proposals resume: the target did not make it in time. */
export function abortTransfer(core: Core): void {
  core.transferee = null;
  core.transferAt = null;
}

/** The voter with the longest matching log, for a leader that leaves. */
export function bestSuccessor(core: Core): NodeId | null {
  let best: NodeId | null = null;
  let bestMatch = -1;
  for (const id of core.configurations.current.voters) {
    const match = core.progress.get(id)?.match ?? -1;
    if (match > bestMatch) {
      best = id;
      bestMatch = match;
    }
  }
  return best;
}
