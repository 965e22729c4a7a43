/**
 * The end of every random life: all faults stop, all nodes run. Within a budget of time, messages
 * and elections there must be one leader, equal logs, a simple configuration, and service.
 */
import { allMembers, isJoint } from "../../../src/raft/configuration.ts";
import type { TestCluster } from "../harness/cluster.ts";
import type { TestReplica } from "../harness/replica.ts";
import { deliverAll, passTime, timeToNextDeadline } from "../harness/time.ts";

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
    const wait = timeToNextDeadline(cluster);
    // A leader that sleeps while somebody was away looks again after a minute at the earliest.
    const isSoon = wait !== null && wait <= SOON_ELECTIONS * cluster.options.electionMs;
    if (isSoon) passTime(cluster, wait);
    else if (!wakeAll(cluster)) throw new NotConverged(`nothing left to happen: ${summary(cluster)}`);
  }
}

const SOON_ELECTIONS = 10;

/** Clients arrive everywhere. False: nobody slept. */
function wakeAll(cluster: TestCluster): boolean {
  const asleep = [...cluster.replicas.values()].filter(({ raft }) => raft?.core.isAsleep === true);
  for (const replica of asleep) replica.wake();
  return asleep.length > 0;
}

function now(cluster: TestCluster): number {
  return Math.max(...[...cluster.replicas.values()].map((replica) => replica.clock));
}

function maxTerm(cluster: TestCluster): number {
  return Math.max(...[...cluster.replicas.values()].map((replica) => replica.disk.written.term));
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

/** True when one leader, not about to leave, has brought every member of a simple configuration to its own state. */
export function converged(cluster: TestCluster): boolean {
  const leader = cluster.leader();
  if (leader === null) return false;
  const { core } = leader.running;
  if (core.transferee !== null) return false;
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
