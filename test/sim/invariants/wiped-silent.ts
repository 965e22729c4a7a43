/**
 * A replica whose database was lost has forgotten its votes and acknowledgements: under its old id it
 * must never give one again (redisraft #2, etcd-io/raft #94). Wiped only after all have met.
 */
import type { NodeId } from "../../../src/raft/types.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { SimDeparture } from "../network/departures.ts";

export function checkWipedSilent(wiped: NodeId, departures: readonly SimDeparture[]): void {
  for (const { from, to, message, addressed } of departures) {
    if (from !== wiped || !addressed) continue;
    const promises =
      (message.kind === "vote-response" && message.granted) ||
      (message.kind === "append-response" && message.rejection === null && message.match > 0) ||
      (message.kind === "heartbeat-response" && message.match > 0);
    if (promises) violated("wiped-silent", `${from} lost its database and gave ${to} a ${message.kind}`);
  }
}
