/** What operators do besides reading and writing: compare replicas, and hand leadership over. */
import { initialMemberId } from "../../../../src/engine/identity.ts";
import type { OperationKind } from "./operation-kind.ts";

export const HASH: OperationKind = {
  name: "hash",
  weight: 1,
  draw({ random, revision }) {
    const past = random.chance(0.7) ? Math.max(0, revision - random.below(4)) : 0;
    return { kind: "hash", revision: past };
  },
};

export const MOVE_LEADER: OperationKind = {
  name: "move-leader",
  weight: 0.3,
  draw({ random }) {
    return { kind: "move", target: BigInt(`0x${initialMemberId("default", `r${1 + random.below(5)}`)}`) };
  },
};
