/** A client: one operation after another through a gateway, with pauses. */

import { create, toBinary } from "@bufbuild/protobuf";
import { defined } from "../../../src/base/assert.ts";
import { toHex } from "../../../src/base/bytes.ts";
import type { Prng } from "../../../src/base/prng.ts";
import { type CommandRequest, completeCommand, encodeBody } from "../../../src/gateway/commands.ts";
import { hashHistory } from "../../../src/gateway/hash-history.ts";
import { freshOperationIds } from "../../../src/gateway/operation-id.ts";
import { QuerySchema } from "../../../src/wire/gen/edged_pb.ts";
import { RangeRequestSchema, TxnRequestSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { CLUSTER } from "../cluster.ts";
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { RunOptions } from "../options.ts";
import type { Completion, OperationRecord } from "../oracle/operation-record.ts";
import { ALARM } from "../oracle/operations/alarm.ts";
import { LEASE_OPERATIONS, OPERATIONS, USER_OPERATIONS } from "../oracle/operations/all.ts";
import { COMPACTION } from "../oracle/operations/compaction.ts";
import type { DrawContext, OperationKind, PlannedOperation } from "../oracle/operations/operation-kind.ts";
import { HASH, MOVE_LEADER } from "../oracle/operations/upkeep.ts";
import { FIRST_STEPS, kindOf, SIGN_IN, USERS } from "../oracle/operations/users.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import type { SimGateway } from "./sim-gateway.ts";

export interface ClientParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly faults: FaultPlan;
  readonly oracle: Oracle;
  readonly index: number;
  readonly members: readonly string[];
  /** The gateway in service for this client. */
  readonly gateway: () => SimGateway;
  /** The number of the next operation in the run; null: enough were begun. */
  readonly nextNumber: () => number | null;
}

const REPEATS_MAX = 4;
const STALENESS_MS = [1, 20, 100, 500, 3_000];
const REPEAT_MS_MAX = 500;

export class SimClient {
  readonly name: string;
  readonly #parts: ClientParts;
  readonly #random: Prng;
  readonly #keys: Prng;
  readonly #bounds: Prng;
  readonly #modRevisions = new Map<string, number>();
  #revision = 0;
  #current: OperationRecord | null = null;
  /** In runs with users: as whom it signs in, with what it last did, and whether it is told to. */
  readonly #user: string;
  #token: string | null = null;
  #mustSignIn = false;
  #steps = 0;

  constructor(parts: ClientParts) {
    this.name = `c${parts.index + 1}`;
    this.#parts = parts;
    this.#random = stream(parts.options.seed, "client", parts.index);
    this.#keys = stream(parts.options.seed, "client keys", parts.index);
    this.#bounds = stream(parts.options.seed, "client bounds", parts.index);
    this.#user = USERS[parts.index % USERS.length] ?? "root";
  }

  /** True while an operation waits for its answer. */
  get isWaiting(): boolean {
    return this.#current !== null;
  }

  start(): void {
    this.#rest();
  }

  #rest(): void {
    const { world, options } = this.#parts;
    world.after(options.thinkMs * 2 * this.#random.fraction(), () => this.#next());
  }

  #next(): void {
    const { world, oracle, options, nextNumber } = this.#parts;
    const number = nextNumber();
    if (number === null) return;
    const step = this.#nextStep();
    const kind = step === null ? this.#chooseKind() : kindOf(step);
    const planned: PlannedOperation =
      step === null ? this.#bound(kind.draw(this.#context(number))) : { kind: "write", request: step };
    const record: OperationRecord = {
      number,
      client: this.name,
      kind,
      planned,
      invokedAt: world.now,
      floor: oracle.floor,
      pin: this.#random.chance(options.pinned) ? this.#random.pick(this.#parts.members) : null,
      token: kind === SIGN_IN ? null : this.#token,
      ids: [],
      key: planned.kind === "write" ? this.#drawKey() : null,
      repeats: 0,
    };
    this.#current = record;
    oracle.begun(record);
    world.trace.note(world.now, "call", [number], () => `${this.name} ${kind.name} ${number}`);
    this.#send(record);
  }

  /** Some linearizable reads may be older than that. */
  #bound(planned: PlannedOperation): PlannedOperation {
    if (planned.kind !== "read" || planned.consistency !== "linearizable") return planned;
    if (!this.#bounds.chance(this.#parts.options.bounded)) return planned;
    return { ...planned, maxStalenessMs: this.#bounds.pick(STALENESS_MS) };
  }

  #drawKey(): Uint8Array | null {
    if (!this.#keys.chance(this.#parts.options.repeats)) return null;
    return Uint8Array.from({ length: 16 }, () => this.#keys.below(256));
  }

  #send(record: OperationRecord): void {
    const { world, faults, options } = this.#parts;
    const gateway = this.#parts.gateway();
    const { repeats } = record;
    const complete = (completion: Completion): void => {
      // Nobody listens to what an earlier request is told.
      if (record.repeats === repeats) this.#complete(record, completion);
    };
    gateway.run(() => this.#perform(gateway, record, complete));
    // Twice the router's budget: by then it has answered, unless it is gone.
    const patience = 2 * options.attemptMs * options.attempts;
    const waitMs = faults.happens("client-cancel") ? this.#random.fraction() * patience : patience;
    world.after(waitMs, () => complete({ kind: "abandoned" }));
  }

  #perform(gateway: SimGateway, record: OperationRecord, complete: (completion: Completion) => void): void {
    const choice = { cluster: CLUSTER, pin: record.pin, token: record.token };
    const { planned } = record;
    if (planned.kind === "read") {
      const { request, kind, ...freshness } = planned;
      const asked =
        request.case === "range"
          ? gateway.router.range(choice, {
              request: toBinary(RangeRequestSchema, request.value),
              ...freshness,
            })
          : gateway.router.readTxn(choice, {
              request: toBinary(TxnRequestSchema, request.value),
              ...freshness,
            });
      asked
        .then((outcome) => complete({ kind: "read", outcome }))
        .catch((error: unknown) => this.#parts.world.fail(asError(error)));
      return;
    }
    if (planned.kind === "hash") {
      hashHistory(gateway.router, choice, BigInt(planned.revision))
        .then((outcome) => complete({ kind: "hash", outcome }))
        .catch((error: unknown) => this.#parts.world.fail(asError(error)));
      return;
    }
    if (planned.kind === "move") {
      const query = create(QuerySchema, {
        request: { case: "moveLeader", value: { targetID: planned.target } },
      });
      gateway.router
        .query(choice, { request: toBinary(QuerySchema, query), consistency: "leader", minRevision: 0 })
        .then((outcome) => complete({ kind: "move", outcome }))
        .catch((error: unknown) => this.#parts.world.fail(asError(error)));
      return;
    }
    if (planned.kind === "keep-alive") {
      const query = create(QuerySchema, {
        request: { case: "leaseKeepAlive", value: { ID: planned.lease } },
      });
      gateway.router
        .query(choice, { request: toBinary(QuerySchema, query), consistency: "leader", minRevision: 0 })
        .then((outcome) => complete({ kind: "keep-alive", outcome }))
        .catch((error: unknown) => this.#parts.world.fail(asError(error)));
      return;
    }
    const body = encodeBody(planned.request);
    const { key } = record;
    const ids = key === null ? freshOperationIds(gateway.entropy) : () => key;
    const write = {
      operationId: () => {
        const id = ids();
        const name = toHex(id);
        if (!record.ids.includes(name)) record.ids.push(name);
        return id;
      },
      encode: (id: Uint8Array, seen: number) => completeCommand(body, id, seen),
      mayRepeat: key !== null,
    };
    gateway.router
      .propose(choice, write)
      .then((outcome) => complete({ kind: "write", outcome }))
      .catch((error: unknown) => this.#parts.world.fail(asError(error)));
  }

  #complete(record: OperationRecord, completion: Completion): void {
    if (this.#current !== record) return;
    if (this.#mayRepeat(record, completion)) {
      record.repeats += 1;
      this.#parts.world.after(this.#keys.fraction() * REPEAT_MS_MAX, () => this.#send(record));
      return;
    }
    this.#current = null;
    const { world, oracle } = this.#parts;
    const outcome = completion.kind === "abandoned" ? "abandoned" : completion.outcome.kind;
    world.trace.note(world.now, "answer", [record.number], () => `${this.name} ${record.number}: ${outcome}`);
    if (completion.kind !== "abandoned" && completion.outcome.kind !== "failed") {
      const { revision } = completion.outcome.header;
      this.#revision = Math.max(this.#revision, revision);
      if (completion.kind === "write" && record.planned.kind === "write") this.#remember(record, revision);
    }
    oracle.completed(record, completion);
    this.#noteUser(record, completion);
    this.#rest();
  }

  /** As whoever sends an `Idempotency-Key` is told to: until there is an answer, or patience ends. */
  #mayRepeat({ key, repeats }: OperationRecord, completion: Completion): boolean {
    if (key === null || repeats >= REPEATS_MAX || this.#parts.faults.healed) return false;
    if (completion.kind === "abandoned") return true;
    return completion.outcome.kind === "failed" && completion.outcome.outcome === "unknown";
  }

  /** Compare-and-swap needs something to compare with. */
  #remember({ planned }: OperationRecord, revision: number): void {
    if (planned.kind !== "write") return;
    const { request } = planned;
    if (request.case === "put") this.#modRevisions.set(toHex(request.value.key), revision);
    if (request.case === "txn") {
      this.#modRevisions.set(toHex(defined(request.value.compare[0], "transactions compare").key), revision);
    }
    if (request.case === "deleteRange") this.#modRevisions.delete(toHex(request.value.key));
  }

  /** Root begins by making users and roles, each until it is decided. */
  #nextStep(): CommandRequest | null {
    if (!this.#parts.options.users || this.#parts.index !== 0) return null;
    return FIRST_STEPS[this.#steps] ?? null;
  }

  /** Whoever is told that nobody knows him signs in; whoever need not be known forgets who he is. */
  #noteUser({ planned }: OperationRecord, completion: Completion): void {
    if (completion.kind === "abandoned") return;
    const { outcome } = completion;
    const isStep = planned.kind === "write" && planned.request === FIRST_STEPS[this.#steps];
    if (isStep && outcome.kind !== "failed") this.#steps += 1;
    if (outcome.kind === "rejected") {
      if (outcome.error === "userEmpty") this.#mustSignIn = true;
      if (outcome.error === "authNotEnabled") this.#mustSignIn = false;
      if (outcome.error === "invalidAuthToken") this.#token = null;
    } else if (outcome.kind === "applied" && planned.kind === "write") {
      const { request } = planned;
      if (request.case !== "authenticate") return;
      this.#token = request.value.token;
      this.#mustSignIn = false;
    }
  }

  #chooseKind(): OperationKind {
    if (this.#mustSignIn && this.#random.chance(0.7)) return SIGN_IN;
    const { compactions, upkeep } = this.#parts.options;
    const shares = new Map<OperationKind, number>([
      [COMPACTION, compactions],
      [ALARM, upkeep.alarms],
      [HASH, upkeep.hashes],
      [MOVE_LEADER, upkeep.moves],
    ]);
    if (!this.#parts.options.leases) for (const kind of LEASE_OPERATIONS) shares.set(kind, 0);
    const userShare = this.#user === "root" ? 1 : 0.1;
    for (const kind of USER_OPERATIONS) shares.set(kind, this.#parts.options.users ? userShare : 0);
    const weight = (kind: OperationKind): number => kind.weight * (shares.get(kind) ?? 1);
    let at = this.#random.fraction() * OPERATIONS.reduce((sum, kind) => sum + weight(kind), 0);
    for (const kind of OPERATIONS) {
      at -= weight(kind);
      if (at < 0) return kind;
    }
    return defined(OPERATIONS[0], "there are operations");
  }

  #context(number: number): DrawContext {
    return {
      random: this.#random,
      keys: this.#parts.options.keys,
      user: this.#user,
      usesLeases: this.#parts.options.leases,
      number,
      revision: this.#revision,
      modRevision: (key) => this.#modRevisions.get(key) ?? 0,
    };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
