/**
 * A replica whose database was lost has forgotten its votes and acknowledgements: under its old id it
 * must never give one again (redisraft #2, etcd-io/raft #94). Wiped only after all have met.
 */
import type { NodeId } from "../../../src/raft/types.ts";
import type { Departure } from "../../raft/invariants/view.ts";
import { violated } from "../../raft/invariants/violation.ts";

export function checkWipedSilent(wiped: NodeId, departures: readonly Departure[]): void {
  for (const { from, to, message } of departures) {
    if (from !== wiped) continue;
    const promises =
      (message.kind === "vote-response" && message.granted) ||
      (message.kind === "append-response" && message.rejection === null && message.match > 0) ||
      (message.kind === "heartbeat-response" && message.match > 0);
    if (promises) violated("wiped-silent", `${from} lost its database and gave ${to} a ${message.kind}`);
  }
}
