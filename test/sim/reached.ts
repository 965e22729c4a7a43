/** Rare places that runs must get to: a simulator that never truncates a log says nothing about truncation. */
import type { Cluster, DurableChange } from "./cluster.ts";
import type { Model } from "./oracle/model.ts";
import type { Oracle } from "./oracle/oracle.ts";
import type { Watchers } from "./watches/start-watchers.ts";

export const PLACES = [
  "elections", // terms somebody led
  "truncations", // stored entries replaced by another leader's
  "snapshots", // pulled and installed
  "compactions", // of the store's history
  "repeated", // writes answered when their clients asked again under the same key
  "retries", // operations that are in the log more than once and ran once
  "superseded", // operations refused as older than the memory of operations
  "resets", // transactions that vanished
  "wiped", // replicas that noticed that their database was lost, and stopped
  "dropped-alarms", // alarms that the platform gave up
  "quota-alarms", // raised because a database was full
  "auto-compactions", // that changed something
  "transfers", // of leadership, answered as done
  "member-changes", // that are in the log
  "lease-expiries", // leases whose time was over
  "lease-renewals", // that were answered
  "forbidden", // commands in the log that their user may not give
  "equal-hashes", // of one history, asked for more than once
  "watched", // events told to watchers
  "resumed", // watches that were broken off and went on
  "restored", // backups, from their first part to the last
  "unwatched", // watches refused for who watches
  "overtaken", // watches whose next event was compacted
] as const;

export type Place = (typeof PLACES)[number];

export type Reached = Record<Place, number>;

export function nowhere(): Reached {
  const reached: Partial<Reached> = {};
  for (const place of PLACES) reached[place] = 0;
  // Every place was just set.
  return reached as Reached;
}

export function noteDurable(reached: Reached, { change }: DurableChange): void {
  if (change.installed) reached.snapshots += 1;
  if (change.truncated) reached.truncations += 1;
}

export function noteWatches(reached: Reached, { counts }: Watchers): void {
  reached.watched = counts.told;
  reached.resumed = counts.resumed;
  reached.unwatched = counts.refused;
  reached.overtaken = counts.compacted;
}

export function noteEnd(reached: Reached, cluster: Cluster, model: Model, oracle: Oracle): void {
  reached["quota-alarms"] = model.quotaAlarms;
  reached["auto-compactions"] = model.autoCompactions;
  reached.repeated = oracle.repeated;
  reached.restored = model.store.restore?.isOver === true ? 1 : 0;
  reached.transfers = oracle.transfers;
  reached.forbidden = model.forbidden;
  reached["equal-hashes"] = oracle.equalHashes;
  reached["lease-expiries"] = oracle.leases.expiries;
  reached["lease-renewals"] = oracle.leases.renewals;
  reached.elections = cluster.checker.history.leaders.size;
  reached["member-changes"] = model.memberChanges;
  reached.compactions = model.compactions;
  for (const [id, carriers] of model.carriers) {
    const runs = model.executions.get(id)?.length ?? 0;
    if (carriers.length > 1 && runs === 1) reached.retries += 1;
    if (runs === 0) reached.superseded += 1;
  }
  for (const { disk, alarm, wiped, instance } of cluster.objects) {
    reached.resets += disk.vanished;
    reached["dropped-alarms"] += alarm.dropped;
    if (wiped && instance?.host?.engine?.stopped != null) reached.wiped += 1;
  }
}
