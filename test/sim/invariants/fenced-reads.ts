/**
 * 16, for a lone voter: nobody confirms that it still leads, so only a write does that no newer instance
 * has taken its place. What it tells of the present waits for one that was begun after it was asked.
 */
import { Violation } from "../../raft/invariants/violation.ts";
import { hostOf, type Instance } from "../platform/instance.ts";
import type { SimObject } from "../platform/sim-object.ts";
import type { World } from "../world/world.ts";

export interface FencedRead<T> {
  readonly world: World;
  readonly to: SimObject;
  readonly there: Instance;
  readonly answer: () => Promise<T>;
  /** Whether an answer tells what is current. */
  readonly tells: (answer: T) => boolean;
}

export async function fencedRead<T>({ world, to, there, answer, tells }: FencedRead<T>): Promise<T> {
  const wasAlone = isAlone(there);
  // Not by transactions: the event that starts an instance may have begun one before it reads.
  const before = there.written;
  const told = await answer();
  if (wasAlone && isAlone(there) && tells(told) && there.written === before) {
    world.fail(new Violation("read-fence", `${to.name} answered a read, alone and without a write`));
  }
  return told;
}

function isAlone(there: Instance): boolean {
  const core = hostOf(there).engine?.raft.core;
  if (core === undefined || core.role !== "leader") return false;
  const { voters, votersOutgoing } = core.configurations.current;
  return [...voters, ...votersOutgoing].every((id) => id === core.id);
}
