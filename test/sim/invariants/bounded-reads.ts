/**
 * 16, for reads that say how old their answer may be: it has everything that any client knew so long
 * before the replica began to answer. How long that was is measured by the instance's own clock, as far
 * as that can be trusted: nothing from before it was seen to be set back may count.
 */
import type { AskAlone, RangeReply, ReadCall, ReadTxnReply } from "../../../src/engine/replica-api.ts";
import { Violation } from "../../raft/invariants/violation.ts";
import type { Instance } from "../platform/instance.ts";
import type { World } from "../world/world.ts";

export type ReadReply = RangeReply | ReadTxnReply | AskAlone;

export interface BoundedReads<T> {
  readonly world: World;
  readonly there: Instance;
  readonly calls: readonly ReadCall[];
  /** Commands that any client knew to be applied before a moment. */
  readonly floorBefore: (atMs: number) => number;
  readonly answer: () => Promise<readonly T[]>;
}

export async function boundedReads<T extends ReadReply>(reads: BoundedReads<T>): Promise<readonly T[]> {
  const { world, there, calls, floorBefore, answer } = reads;
  const beganAtMs = world.now;
  // The replica looks at its clock as it begins, and has done so now.
  const pending = answer();
  const floors = calls.map(({ maxStalenessMs }) => {
    if (maxStalenessMs === undefined) return 0;
    return floorBefore(Math.max(there.clock.longAgo(maxStalenessMs), there.clock.setBackSeenAtMs));
  });
  const told = await pending;
  told.forEach((reply, place) => {
    const floor = floors[place] ?? 0;
    if (!isContent(reply) || reply.header.sequence >= floor) return;
    const ms = calls[place]?.maxStalenessMs;
    const what = `saw ${reply.header.sequence} commands, ${floor} were known ${ms} ms before ${beganAtMs.toFixed(1)}`;
    world.fail(new Violation("staleness", `a read of ${there.name} ${what}`));
  });
  return told;
}

/** Whether an answer tells what is stored. */
export function isContent(reply: ReadReply): reply is Extract<ReadReply, { readonly kind: "range" | "txn" }> {
  return reply.kind === "range" || reply.kind === "txn";
}
