/**
 * The end of every random life: all faults stop, all nodes run. Within a budget of time, messages
 * and elections there must be one leader, equal logs, a simple configuration, and service.
 */
import { allMembers, isJoint } from "../../../src/raft/configuration.ts";
import type { TestCluster } from "../harness/cluster.ts";
import type { TestReplica } from "../harness/replica.ts";

export interface Budget {
  readonly ms: number;
  readonly messages: number;
  readonly terms: number;
}

export class NotConverged extends Error {
  override readonly name = "NotConverged";
}

/** Lets everything run without faults until `done`, or fails. Returns what it took. */
export function settle(cluster: TestCluster, budget: Budget, done: () => boolean): Budget {
  const start = { ms: now(cluster), messages: cluster.network.deliveredCount, terms: maxTerm(cluster) };
  for (;;) {
    deliverAll(cluster);
    const spent = {
      ms: now(cluster) - start.ms,
      messages: cluster.network.deliveredCount - start.messages,
      terms: maxTerm(cluster) - start.terms,
    };
    if (spent.ms > budget.ms || spent.messages > budget.messages || spent.terms > budget.terms) {
      throw new NotConverged(`after ${JSON.stringify(spent)}: ${summary(cluster)}`);
    }
    if (done()) return spent;
    if (!advance(cluster)) throw new NotConverged(`nothing left to happen: ${summary(cluster)}`);
  }
}

function now(cluster: TestCluster): number {
  return Math.max(...[...cluster.replicas.values()].map((replica) => replica.clock));
}

function maxTerm(cluster: TestCluster): number {
  return Math.max(...[...cluster.replicas.values()].map((replica) => replica.disk.written.term));
}

/** Oldest first, link by link, with a bound that only a storm exceeds. */
export function deliverAll(cluster: TestCluster): void {
  for (let round = 0; round < 2_000; round += 1) {
    const links = cluster.network.busyLinks();
    if (links.length === 0) return;
    for (const { from, to, count } of links) {
      for (let i = 0; i < count; i += 1) cluster.deliver(from, to);
    }
  }
  throw new NotConverged("messages never end without time passing");
}

/** Moves all clocks to the next deadline of any node and ticks those that are due. */
export function advance(cluster: TestCluster): boolean {
  let wait: number | null = null;
  for (const replica of cluster.replicas.values()) {
    const deadline = replica.deadline();
    if (deadline === null) continue;
    const left = Math.max(0, deadline - replica.clock);
    wait = wait === null ? left : Math.min(wait, left);
  }
  if (wait === null) return false;
  for (const replica of cluster.replicas.values()) {
    replica.clock += wait;
    const deadline = replica.deadline();
    if (deadline !== null && deadline <= replica.clock) replica.tick();
  }
  return true;
}

/** Repairs everything that can be repaired. */
export function heal(cluster: TestCluster): void {
  cluster.network.heal();
  for (const replica of cluster.replicas.values()) {
    replica.held = false;
    replica.flush();
    replica.applyMax = Number.POSITIVE_INFINITY;
    if (replica.raft === null) cluster.restart(replica.id);
    else replica.applyMore();
  }
}

/** True when one leader has brought every member of a simple configuration to its own state. */
export function converged(cluster: TestCluster): boolean {
  const leader = cluster.leader();
  if (leader === null) return false;
  const { core } = leader.running;
  const { configuration, index } = core.configurations.latest;
  if (isJoint(configuration) || index > core.log.commit || core.log.commit !== core.log.last) return false;
  return allMembers(configuration).every((id) => id === leader.id || follows(cluster.replica(id), leader));
}

function follows(replica: TestReplica, leader: TestReplica): boolean {
  const theirs = replica.running.core;
  const own = leader.running.core;
  return (
    theirs.leader === leader.id &&
    theirs.term === own.term &&
    theirs.log.last === own.log.last &&
    theirs.log.commit === own.log.commit &&
    replica.disk.durable.applied === leader.disk.durable.applied &&
    own.progress.get(replica.id)?.state === "replicate" &&
    own.progress.get(replica.id)?.match === own.log.last
  );
}

export function summary(cluster: TestCluster): string {
  const lines = [];
  for (const replica of cluster.replicas.values()) {
    const { core } = replica.running;
    const { log, role, term, leader, configurations } = core;
    lines.push(
      `${replica.id}: ${role} t${term} leader ${leader} last ${log.lastTerm}/${log.last} commit ${log.commit} ` +
        `applied ${core.applied} first ${log.first} configuration ${JSON.stringify(configurations.latest)} ` +
        `progress ${JSON.stringify([...core.progress])}`,
    );
  }
  return `\n${lines.join("\n")}`;
}
