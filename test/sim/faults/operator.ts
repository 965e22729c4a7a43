/** Changes members every now and then, one after another: adds, promotes, moves and removes whom it likes. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { toHex } from "../../../src/base/bytes.ts";
import type { Prng } from "../../../src/base/prng.ts";
import type { CommandRequest } from "../../../src/gateway/commands.ts";
import { QuerySchema } from "../../../src/wire/gen/edged_pb.ts";
import {
  type Member,
  MemberAddRequestSchema,
  MemberListRequestSchema,
  MemberListResponseSchema,
  MemberPromoteRequestSchema,
  MemberRemoveRequestSchema,
  MemberUpdateRequestSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { violated } from "../../raft/invariants/violation.ts";
import { proposeAs, Visitor } from "../auth/sign-in.ts";
import { CLUSTER, type Cluster } from "../cluster.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { Model } from "../oracle/model.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { FaultPlan } from "./fault-plan.ts";

export interface OperatorParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly cluster: Cluster;
  readonly model: Model;
  readonly gateway: () => SimGateway;
}

/** Objects that a run makes at most; former members stay as they are. */
const OBJECTS_MAX = 14;
const MEMBERS_MAX = 6;

export function startOperator(parts: OperatorParts): void {
  const { world, options, faults } = parts;
  if (options.memberMs === 0) return;
  const random = stream(options.seed, "operator");
  const root = new Visitor("operator", "root");
  const other = new Visitor("would-be operator", "u1");
  let changes = 0;
  const rest = (): void => {
    world.after(options.memberMs * 2 * random.fraction(), () => {
      if (!faults.healed) parts.gateway().run(() => void next());
    });
  };
  const next = async (): Promise<void> => {
    changes += 1;
    const gateway = parts.gateway();
    try {
      // Somebody else tries, too.
      const operator = options.users && changes % 3 === 0 ? other : root;
      await operator.signIn(gateway);
      const members = await list(gateway, operator);
      const request = members === null ? null : choose(parts, members, random, changes);
      if (request === null) return;
      const id = gateway.entropy.bytes(16);
      const outcome = await proposeAs(gateway, operator.token, request, id);
      if (outcome.kind === "rejected") operator.refused(outcome.error);
      if (outcome.kind === "applied") checkAllowed(parts.model, id);
    } catch (error) {
      world.fail(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // Whether it is answered or its gateway is gone: the next one comes.
  const again = (): void => {
    rest();
    if (!faults.healed) world.after(options.memberMs + options.attemptMs * options.attempts, again);
  };
  again();
}

/** Members are changed by root alone, in clusters that ask for users. */
function checkAllowed(model: Model, id: Uint8Array): void {
  const expected = model.executions.get(toHex(id))?.at(-1)?.expected;
  if (expected?.kind !== "rejected") return;
  violated("users-answers", `members were changed, and should not be: ${expected.error}`);
}

async function list({ router }: SimGateway, operator: Visitor): Promise<readonly Member[] | null> {
  const query = create(QuerySchema, {
    request: { case: "memberList", value: create(MemberListRequestSchema) },
  });
  const request = toBinary(QuerySchema, query);
  const outcome = await router.query(
    { cluster: CLUSTER, pin: null, token: operator.token },
    { request, consistency: "linearizable", minRevision: 0 },
  );
  if (outcome.kind === "rejected") operator.refused(outcome.error);
  return outcome.kind === "answer" ? fromBinary(MemberListResponseSchema, outcome.response).members : null;
}

function choose(
  { cluster, options }: OperatorParts,
  members: readonly Member[],
  random: Prng,
  number: number,
): CommandRequest | null {
  const { ID } = random.pick(members);
  const mayAdd = cluster.objects.length < OBJECTS_MAX && members.length < Math.max(options.replicas + 1, 3);
  const learner = members.find(({ isLearner }) => isLearner);
  const draw = random.fraction();
  if (draw < 0.4 && mayAdd && members.length < MEMBERS_MAX) {
    // Names of former members come again.
    const name = random.chance(0.3) ? `r${1 + random.below(options.replicas)}` : `n${number}`;
    const value = { peerURLs: [`edged://${name}?region=oc`], isLearner: random.chance(0.4) };
    return { case: "memberAdd", value: create(MemberAddRequestSchema, value) };
  }
  if (draw < 0.6 && learner !== undefined) {
    return { case: "memberPromote", value: create(MemberPromoteRequestSchema, { ID: learner.ID }) };
  }
  if (draw < 0.95) return { case: "memberRemove", value: create(MemberRemoveRequestSchema, { ID }) };
  const peerURLs = [`http://10.0.0.${number % 250}:2380`];
  return { case: "memberUpdate", value: create(MemberUpdateRequestSchema, { ID, peerURLs }) };
}
