/** The leader's watch over the size of its database: above the quota it raises the alarm NOSPACE. */
import { create, toBinary } from "@bufbuild/protobuf";
import { CommandSchema } from "../wire/gen/edged_pb.ts";
import { AlarmRequest_AlarmAction, AlarmRequestSchema, AlarmType } from "../wire/gen/etcd/rpc_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Proposals } from "./proposals.ts";

/** How long one attempt to raise the alarm may take; another one follows. */
const RAISE_MS = 10_000;

export class Quota {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #quotaBytes: number;
  readonly #command: Uint8Array;
  readonly #member: bigint;
  /** The size is looked at when more was applied: only that makes the database grow. */
  #checkedIndex = -1;
  #isRaising = false;

  constructor(context: EngineContext, proposals: Proposals, quotaBytes: number) {
    this.#context = context;
    this.#proposals = proposals;
    this.#quotaBytes = quotaBytes;
    this.#member = BigInt(`0x${context.raft.core.id}`);
    const value = create(AlarmRequestSchema, {
      action: AlarmRequest_AlarmAction.ACTIVATE,
      memberID: this.#member,
      alarm: AlarmType.NOSPACE,
    });
    this.#command = toBinary(
      CommandSchema,
      create(CommandSchema, { internal: true, request: { case: "alarm", value } }),
    );
  }

  /** Raises the alarm where it is due: again too after it was disarmed too early. Called in every turn. */
  check(now: number): void {
    const { raft, machine, storage } = this.#context;
    const { applied } = raft.core;
    // A restore lets nothing else through; its last part is applied too.
    if (!raft.isLeader || this.#isRaising || machine.isRestoring || applied === this.#checkedIndex) return;
    this.#checkedIndex = applied;
    if (storage.databaseBytes() <= this.#quotaBytes) return;
    if (machine.alarms.list(AlarmType.NOSPACE).some(({ memberID }) => memberID === this.#member)) return;
    this.#isRaising = this.#proposals.add(now, this.#command, now + RAISE_MS, (fate) => {
      this.#isRaising = false;
      // A refusal is an entry as well, and no reason to look again.
      this.#checkedIndex = fate.kind === "outcome" ? fate.index : -1;
    });
  }
}
