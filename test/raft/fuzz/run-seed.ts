/** One seed from the first step to the healed end. */
import { type Budget, converged, heal, NotConverged, settle } from "./heal.ts";
import { Life } from "./schedule.ts";

/** After healing: time for a few elections, and as many messages as those may cost. */
const CONVERGENCE: Budget = { ms: 30_000, messages: 20_000, terms: 8 };
const SERVICE: Budget = { ms: 5_000, messages: 2_000, terms: 0 };

export interface SeedReport {
  readonly acknowledged: number;
  readonly terms: number;
  readonly configurations: number;
  readonly healed: Budget;
}

/** Throws the first violation. */
export function runSeed(seed: number, steps: number): SeedReport {
  const life = new Life(seed, steps);
  life.run();
  const { cluster } = life;
  heal(cluster);
  const healed = settle(cluster, CONVERGENCE, () => converged(cluster));
  const leader = cluster.leader();
  if (leader === null) throw new NotConverged("no leader");
  const before = cluster.acknowledgedCount;
  if (leader.propose(new Uint8Array([1, 2, 3])).kind !== "accepted") {
    // A transfer asked for just before may still be running out.
    settle(cluster, SERVICE, () => leader.propose(new Uint8Array([1, 2, 3])).kind === "accepted");
  }
  const read = cluster.read(leader.id);
  settle(
    cluster,
    SERVICE,
    () =>
      cluster.acknowledgedCount > before &&
      (cluster.reads.get(read)?.index ?? null) !== null &&
      converged(cluster),
  );
  return {
    acknowledged: cluster.acknowledgedCount,
    terms: leader.running.core.term,
    configurations: life.configurationsAccepted,
    healed,
  };
}
