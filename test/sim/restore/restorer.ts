/**
 * Restores a backup at the beginning of a run, as `edged restore` does: part after part, again from the
 * start with the same file after whatever went wrong. Others disturb it now and then.
 */
import { create } from "@bufbuild/protobuf";
import { defined } from "../../../src/base/assert.ts";
import { toHex } from "../../../src/base/bytes.ts";
import type { Prng } from "../../../src/base/prng.ts";
import { type CommandRequest, completeCommand, encodeBody } from "../../../src/gateway/commands.ts";
import type { WriteOutcome } from "../../../src/gateway/leader-router.ts";
import { PutRequestSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../../src/wire/text.ts";
import { CLUSTER } from "../cluster.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { OperationRecord } from "../oracle/operation-record.ts";
import type { WriteKind } from "../oracle/operations/operation-kind.ts";
import { PUT } from "../oracle/operations/put.ts";
import { RESTORE } from "../oracle/operations/restore.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { Backup } from "./backup.ts";

export interface RestorerParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly oracle: Oracle;
  /** The gateway in service for it. */
  readonly gateway: () => SimGateway;
  /** Its numbers are below all others. */
  readonly index: number;
  readonly backup: Backup;
  /** Restored, or given up because the cluster is not empty. */
  readonly done: (isRestored: boolean) => void;
}

const NUMBERS = 100_000;
/** Something else is stored, or the whole backup is and asks for users. */
const OVER: readonly string[] = ["restoreNotEmpty", "userEmpty"];
/** It waits for as long as the most patient gateway tries. */
const PATIENCE_ELECTIONS = 13;

export class Restorer {
  readonly #parts: RestorerParts;
  readonly #random: Prng;
  #part = 0;
  #asked = 0;
  #isOver = false;

  constructor(parts: RestorerParts) {
    this.#parts = parts;
    this.#random = stream(parts.options.seed, "restorer", parts.index);
  }

  start(): void {
    // Rarely somebody is quicker, and the cluster is not empty any more.
    if (this.#random.chance(0.05)) this.#disturb();
    this.#parts.world.after(this.#random.below(2_000), () => this.#next());
  }

  #next(): void {
    if (this.#isOver) return;
    const value = defined(this.#parts.backup.parts[this.#part], "there is another part");
    const part = this.#part;
    if (part > 0 && this.#random.chance(0.3)) this.#disturb();
    this.#send(RESTORE, { case: "restore", value }, (outcome) => {
      if (this.#part === part) this.#told(outcome);
    });
  }

  #told(outcome: WriteOutcome | null): void {
    const { world, backup } = this.#parts;
    if (outcome?.kind === "applied") {
      this.#part += 1;
      if (this.#part === backup.parts.length) this.#end(true);
      else this.#next();
    } else if (outcome?.kind === "rejected" && OVER.includes(outcome.error)) {
      this.#end(false);
    } else {
      // The same part again, or the same file from its start.
      if (this.#random.chance(0.5)) this.#part = 0;
      world.after(this.#random.below(500), () => this.#next());
    }
  }

  #end(isRestored: boolean): void {
    this.#isOver = true;
    this.#parts.done(isRestored);
  }

  /** A write that must wait until everything is restored. */
  #disturb(): void {
    const value = create(PutRequestSchema, { key: utf8("k0"), value: utf8(`early${this.#asked}`) });
    this.#send(PUT, { case: "put", value }, () => undefined);
  }

  /** `told` is called once; null: nobody answered. */
  #send(kind: WriteKind, request: CommandRequest, told: (outcome: WriteOutcome | null) => void): void {
    const { world, options, oracle, index } = this.#parts;
    this.#asked += 1;
    const record: OperationRecord = {
      number: -(index * NUMBERS + this.#asked),
      client: `restorer ${index + 1}`,
      kind,
      planned: { kind: "write", request },
      invokedAt: world.now,
      floor: oracle.floor,
      pin: null,
      token: null,
      ids: [],
      key: null,
      repeats: 0,
    };
    oracle.begun(record);
    let isTold = false;
    const settle = (outcome: WriteOutcome | null): void => {
      if (isTold) return;
      isTold = true;
      oracle.completed(record, outcome === null ? { kind: "abandoned" } : { kind: "write", outcome });
      told(outcome);
    };
    const gateway = this.#parts.gateway();
    gateway.run(() => this.#propose(gateway, record, request, settle));
    const patienceMs = Math.max(
      2 * options.attemptMs * options.attempts,
      PATIENCE_ELECTIONS * options.electionMs,
    );
    world.after(patienceMs, () => settle(null));
  }

  #propose(
    { router, entropy }: SimGateway,
    record: OperationRecord,
    request: CommandRequest,
    settle: (outcome: WriteOutcome) => void,
  ): void {
    const body = encodeBody(request);
    const write = {
      operationId: () => {
        const id = entropy.bytes(16);
        record.ids.push(toHex(id));
        return id;
      },
      encode: (id: Uint8Array, seen: number) => completeCommand(body, id, seen),
    };
    router
      .propose({ cluster: CLUSTER, pin: null }, write)
      .then(settle)
      .catch((error: unknown) =>
        this.#parts.world.fail(error instanceof Error ? error : new Error(String(error))),
      );
  }
}
