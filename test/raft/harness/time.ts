/** Virtual time for all nodes at once: messages take none, deadlines fire in order. */
import type { TestCluster } from "./cluster.ts";

/** A storm is a bug: no exchange needs more rounds than this without time passing. */
const ROUNDS_MAX = 2_000;

/** Oldest first, link by link, until nothing is under way. Returns the number of messages delivered. */
export function deliverAll(cluster: TestCluster): number {
  const before = cluster.network.deliveredCount;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const links = cluster.network.busyLinks();
    if (links.length === 0) return cluster.network.deliveredCount - before;
    for (const { from, to, count } of links) {
      for (let i = 0; i < count; i += 1) cluster.deliver(from, to);
    }
  }
  throw new Error("messages never end although no time passes");
}

/** How long until some node has something to do; null: never. */
export function timeToNextDeadline(cluster: TestCluster): number | null {
  let wait: number | null = null;
  for (const replica of cluster.replicas.values()) {
    const deadline = replica.deadline();
    if (deadline === null) continue;
    const left = Math.max(0, deadline - replica.clock);
    wait = wait === null ? left : Math.min(wait, left);
  }
  return wait;
}

/** Moves all clocks on and ticks the nodes that are due. */
export function passTime(cluster: TestCluster, ms: number): void {
  for (const replica of cluster.replicas.values()) {
    replica.clock += ms;
    const deadline = replica.deadline();
    if (deadline !== null && deadline <= replica.clock) replica.tick();
  }
}

/** Lets the cluster live for `ms`, every message delivered as soon as it is sent. `each` runs after every moment. */
export function runFor(
  cluster: TestCluster,
  ms: number,
  each: (elapsedMs: number) => void = () => {},
): number {
  let messages = deliverAll(cluster);
  let left = ms;
  while (left > 0) {
    const wait = Math.min(timeToNextDeadline(cluster) ?? left, left);
    passTime(cluster, wait);
    left -= wait;
    messages += deliverAll(cluster);
    each(ms - left);
    if (wait === 0 && timeToNextDeadline(cluster) === 0) throw new Error("a deadline does not move");
  }
  return messages;
}
