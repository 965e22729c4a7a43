/** The leader's regular word to everybody. */
import type { Core } from "./core.ts";
import type { NodeId } from "./types.ts";

export function sendHeartbeat(core: Core, to: NodeId): void {
  core.send(to, {
    kind: "heartbeat",
    term: core.term,
    commit: core.log.commit,
    lastIndex: core.log.last,
    lastTerm: core.log.lastTerm,
    round: core.readRound,
  });
}

export function broadcastHeartbeat(core: Core): void {
  for (const id of core.progress.keys()) sendHeartbeat(core, id);
}
