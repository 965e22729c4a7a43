import { create, toBinary } from "@bufbuild/protobuf";
import { assert, assertCount, InvariantError } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Sql } from "../base/sql.ts";
import { decodeBatch } from "../wire/batch.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { type Command, type Restore, RestoreResponseSchema } from "../wire/gen/edged_pb.ts";
import {
  type AlarmRequest,
  AlarmResponseSchema,
  type CompactionRequest,
  CompactionResponseSchema,
  type DeleteRangeRequest,
  DeleteRangeResponseSchema,
  type PutRequest,
  PutResponseSchema,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
  TxnResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import { encodePlainAnswer } from "../wire/plain-range.ts";
import { Alarms } from "./alarm/alarms.ts";
import type { ApplyOutcome, ApplyResult } from "./apply-outcome.ts";
import { AuthStore, isAuthRequest } from "./auth/auth-store.ts";
import { ownOperationId } from "./auth/own-operation-id.ts";
import { type CheckedTables, checkPath, checkPut } from "./check-path.ts";
import type { Counters } from "./counters.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { encodeHeaderOnly } from "./header-only.ts";
import { KvTable } from "./kv-table.ts";
import {
  checkpointLeases,
  expireLease,
  grantLease,
  revokeLease,
  runWithLease,
} from "./lease/lease-commands.ts";
import { LeaseTable } from "./lease/lease-table.ts";
import { isMemberRequest } from "./member/member-change.ts";
import { MemberRegistry } from "./member/member-registry.ts";
import type { MvccState } from "./mvcc-state.ts";
import { NewestVersions } from "./newest-versions.ts";
import { OperationMemory } from "./operation-memory.ts";
import { executeRange } from "./range.ts";
import { executePage, type RangePage } from "./range-page.ts";
import type { ReadView } from "./read-view.ts";
import { Restorer } from "./restore/restorer.ts";
import type { SnapshotBounds } from "./snapshot-types.ts";
import { hashState } from "./state-hash.ts";
import { StoreWriter } from "./store-writer.ts";
import { SystemTable } from "./system-table.ts";
import { runTxn } from "./txn.ts";
import { decidePath } from "./txn-path.ts";
import { isReadOnly, OPERATION_ID_BYTES, validateCommand } from "./validate.ts";
import { validateRange } from "./validate-operation.ts";
import { validateTxn } from "./validate-txn.ts";
import { plainPair } from "./version.ts";

/**
 * The replicated state machine: etcd's multi-version store on SQL rows. Deterministic: the counters,
 * the rows and an entry's bytes decide everything; there is no clock, no chance, and nothing in
 * memory that matters (the ids of remembered operations are loaded from rows when first needed, and
 * the newest versions that are remembered are those of the rows).
 *
 * The caller owns the database transaction and stores `state()` in the one that applied the entries.
 * After an exception or a transaction that was rolled back, the instance is of no use: create a new
 * one from the stored state.
 */
export class StateMachine {
  readonly #sql: Sql;
  readonly #counters: Counters;
  readonly #table: KvTable;
  readonly #memory: OperationMemory;
  readonly #collector: GarbageCollector;
  readonly #system: SystemTable;
  readonly #leases: LeaseTable;
  readonly #tables: CheckedTables;
  readonly #writer: StoreWriter;
  readonly #alarms: Alarms;
  #auth: AuthStore;
  readonly #restorer: Restorer;
  readonly #registry: MemberRegistry;
  readonly #pins = new Set<SnapshotBounds>();

  /** The tables must exist (`createSchema`). An empty store is `INITIAL_MVCC_STATE`. */
  constructor(sql: Sql, state: MvccState) {
    assertCount(state.revision, "revision");
    assertCount(state.ord, "ord");
    assertCount(state.sequence, "sequence");
    assertCount(state.systemOrd, "systemOrd");
    assert(state.compactRevision >= -1, "the compacted revision is at least -1");
    this.#sql = sql;
    const { recent, ...counters } = state;
    this.#counters = counters;
    this.#table = new KvTable(sql, state.generation, new NewestVersions(state.ord));
    this.#memory = new OperationMemory(sql, state.generation, recent);
    this.#collector = new GarbageCollector(sql, this.#table, state.generation);
    this.#system = new SystemTable(sql, state.generation, this.#counters, () => this.#pins.size > 0);
    this.#leases = new LeaseTable(this.#system);
    this.#tables = { table: this.#table, leases: this.#leases };
    this.#writer = new StoreWriter(this.#table, this.#counters, this.#leases);
    this.#alarms = new Alarms(this.#system);
    this.#restorer = new Restorer({
      table: this.#table,
      system: this.#system,
      leases: this.#leases,
      counters: this.#counters,
    });
    this.#auth = new AuthStore(this.#system);
    this.#registry = new MemberRegistry(this.#system);
  }

  /** The counters as they stand, and the newest answers, to be stored by the caller. */
  state(): MvccState {
    return { ...this.#counters, recent: this.#memory.recent };
  }

  /**
   * Applies the entry at `index`, in a transaction of the caller. No data is a leader's no-op. Bytes
   * that are no batch are an invariant broken elsewhere, and halt the replica.
   */
  apply(index: number, data: Uint8Array): ApplyResult {
    const revisionBefore = this.#counters.revision;
    const commands = decode(index, data);
    this.#memory.beginEntry(this.#counters.sequence);
    const outcomes = commands.map((command) => this.#applyCommand(command));
    this.#memory.endEntry(this.#counters.sequence, this.#pins.size > 0);
    return { outcomes, revisionBefore, revisionAfter: this.#counters.revision };
  }

  /**
   * Reads the store as it stands or as of a revision. Its header holds only the store's revision.
   * Without `counted` a cut answer in key order counts only its own pairs.
   * Errors: emptyKey, invalidSortOption, compacted, futureRevision, answerTooLarge.
   */
  range(request: RangeRequest, counted = true): Result<RangeResponse, ErrorKey> {
    const error = validateRange(request);
    return error === null ? executeRange(this.#table, request, this.#view(), counted) : err(error);
  }

  /**
   * The encoded answer to a read of one key as the store stands: what {@link range} says to a request of
   * nothing but that key, which must not be empty.
   */
  get(key: Uint8Array): Uint8Array {
    const { revision, ord } = this.#counters;
    const found = this.#table.live(key, ord, true);
    return encodePlainAnswer(revision, found === null ? null : plainPair(found));
  }

  /** The same a page at a time. */
  rangePage(request: RangeRequest, counted: boolean): Result<RangePage, ErrorKey> {
    const error = validateRange(request);
    return error === null ? executePage(this.#table, request, this.#view(), counted) : err(error);
  }

  /** Answers a transaction that `isReadOnly`, without a log entry. Errors: as for a range, and txn's. */
  readTxn(request: TxnRequest): Result<TxnResponse, ErrorKey> {
    assert(isReadOnly(request), "a transaction that writes goes through the log");
    const error = validateTxn(request);
    if (error !== null) return err(error);
    const writer = this.#writer.begin();
    const path = decidePath(this.#table, request, this.#counters.ord);
    const refusal = checkPath(this.#tables, path, writer.view());
    if (refusal !== null) return err(refusal);
    const response = runTxn({ table: this.#table, writer }, path);
    return writer.budget.isExceeded ? err("answerTooLarge") : ok(response);
  }

  /** True while compaction has left versions to delete. */
  hasGarbage(): boolean {
    return this.#system.hasGarbage() || this.#collector.isDue(this.#collectable());
  }

  /**
   * Deletes compacted versions, looking at up to `maxRows` of them, in a transaction of the caller.
   * True once nothing is left to do now. Local: answers and `hash` do not depend on it.
   */
  collectGarbage(maxRows: number): boolean {
    if (this.#system.hasGarbage()) {
      this.#system.collectGarbage(maxRows);
      return false;
    }
    return this.#collector.collect(this.#collectable(), this.#counters.ord, maxRows);
  }

  /**
   * Describes a snapshot of this moment and keeps its rows from being deleted until {@link unpin},
   * or until this instance ends: a sender that was restarted begins a new snapshot.
   */
  pin(): SnapshotBounds {
    const bounds = { state: this.state() };
    this.#pins.add(bounds);
    return bounds;
  }

  unpin(bounds: SnapshotBounds): void {
    this.#pins.delete(bounds);
  }

  /** A hash over all that replicas must agree on. Reads everything: for tests and checks. */
  hash(): string {
    return hashState(this.#sql, this.#counters, this.#memory, this.#system);
  }

  /** A backup is being restored: what is stored is the beginning of a history that nobody may see yet. */
  get isRestoring(): boolean {
    return this.#restorer.isUnderWay;
  }

  /** The leases of the group. */
  get leases(): LeaseTable {
    return this.#leases;
  }

  /** The alarms of the group. */
  get alarms(): Alarms {
    return this.#alarms;
  }

  /** The users of the group, and what they may do. */
  get auth(): AuthStore {
    return this.#auth;
  }

  /** The members of the group. */
  get registry(): MemberRegistry {
    return this.#registry;
  }

  #view(): ReadView {
    const { revision, ord, compactRevision } = this.#counters;
    return { revision, bound: ord, historyRevision: revision, historyBound: ord, compactRevision };
  }

  /** Versions needed by no reader and no snapshot being sent. */
  #collectable(): number {
    let revision = this.#counters.compactRevision;
    for (const { state } of this.#pins) revision = Math.min(revision, state.compactRevision);
    return revision;
  }

  #applyCommand(command: Command): ApplyOutcome {
    const { sequence, revision } = this.#counters;
    this.#counters.sequence += 1;
    if (command.opId.length !== OPERATION_ID_BYTES) return this.#execute(command);
    const opId = ownOperationId(command);
    const recalled = this.#memory.recall(opId, Number(command.seen), sequence, revision);
    if (recalled !== null) return recalled;
    const outcome = this.#execute(command);
    // One that was signed by old users and roles is signed anew, under its id.
    const isOld = outcome.kind === "rejected" && outcome.error === "authOldRevision";
    if (!isOld) this.#memory.remember(opId, sequence, outcome);
    return outcome;
  }

  #execute(command: Command): ApplyOutcome {
    if (command.request.case === "restore") return this.#restore(command.request.value);
    if (this.#restorer.isUnderWay) return this.#rejected("restoring");
    const error =
      validateCommand(command) ?? this.#alarms.refusal(command) ?? this.#auth.commandRefusal(command);
    if (error !== null) return this.#rejected(error);
    const { grant, request } = command;
    if (isAuthRequest(request)) {
      const refusal = this.#auth.execute(request, command.internal);
      if (refusal !== null) return this.#rejected(refusal);
      return this.#appliedOnly(true);
    }
    if (isMemberRequest(request)) {
      const answer = this.#registry.execute(command, request, this.#counters.sequence);
      return answer.ok ? this.#applied(answer.value) : this.#rejected(answer.error);
    }
    if (grant === undefined) return this.#run(request);
    return runWithLease(this.#leases, grant, this.#counters, () => this.#run(request));
  }

  #run(request: Command["request"]): ApplyOutcome {
    const { revision } = this.#counters;
    switch (request.case) {
      case "put":
        return this.#put(request.value);
      case "deleteRange":
        return this.#deleteRange(request.value);
      case "txn":
        return this.#txn(request.value);
      case "compaction":
        return this.#compact(request.value);
      case "leaseGrant":
        return grantLease(this.#leases, request.value, this.#counters);
      case "leaseRevoke":
        return revokeLease(this.#leases, request.value.ID, this.#writer.begin());
      case "leaseExpiry":
        return expireLease(this.#leases, request.value, this.#writer.begin());
      case "leaseCheckpoints":
        return checkpointLeases(this.#leases, request.value, revision);
      case "alarm":
        return this.#alarm(request.value);
      default:
        throw new InvariantError(`a command of kind ${request.case} should have been refused`);
    }
  }

  #put(request: PutRequest): ApplyOutcome {
    const error = checkPut(this.#tables, request, this.#counters.ord);
    if (error !== null) return this.#rejected(error);
    const writer = this.#writer.begin();
    if (request.prevKv) {
      const response = writer.put(request);
      return this.#written(() => toBinary(PutResponseSchema, response));
    }
    writer.write(request);
    writer.finish();
    return this.#appliedOnly(true);
  }

  #deleteRange(request: DeleteRangeRequest): ApplyOutcome {
    const response = this.#writer.begin().deleteRange(request);
    return this.#written(() => toBinary(DeleteRangeResponseSchema, response));
  }

  #txn(request: TxnRequest): ApplyOutcome {
    const writer = this.#writer.begin();
    const path = decidePath(this.#table, request, this.#counters.ord);
    const error = checkPath(this.#tables, path, writer.view());
    if (error !== null) return this.#rejected(error);
    const response = runTxn({ table: this.#table, writer }, path);
    return this.#written(() => toBinary(TxnResponseSchema, response));
  }

  #compact(request: CompactionRequest): ApplyOutcome {
    const revision = Number(request.revision);
    if (revision <= this.#counters.compactRevision) return this.#rejected("compacted");
    if (revision > this.#counters.revision) return this.#rejected("futureRevision");
    this.#counters.compactRevision = revision;
    const header = { revision: BigInt(this.#counters.revision) };
    const response = create(CompactionResponseSchema, { header });
    return this.#applied(toBinary(CompactionResponseSchema, response));
  }

  #alarm(request: AlarmRequest): ApplyOutcome {
    const result = this.#alarms.execute(request);
    if (!result.ok) return this.#rejected(result.error);
    return this.#applied(toBinary(AlarmResponseSchema, result.value));
  }

  /** Nobody is asked who he is: in an empty cluster there are no users. */
  #restore(request: Restore): ApplyOutcome {
    const result = this.#restorer.execute(request);
    if (!result.ok) return this.#rejected(result.error);
    // Users came with the rows, behind the back of who remembers them.
    this.#auth = new AuthStore(this.#system);
    return this.#applied(toBinary(RestoreResponseSchema, result.value));
  }

  /** Ends a command that wrote. Its answer is lost if it is too long. */
  #written(encode: () => Uint8Array): ApplyOutcome {
    this.#writer.finish();
    return this.#writer.budget.isExceeded ? this.#appliedOnly(false) : this.#applied(encode());
  }

  #applied(response: Uint8Array): ApplyOutcome {
    return { kind: "applied", revision: this.#counters.revision, response, complete: true };
  }

  /** Answers the revision alone, which may be all (`complete`) there is to say. */
  #appliedOnly(complete: boolean): ApplyOutcome {
    const { revision } = this.#counters;
    return { kind: "applied", revision, response: encodeHeaderOnly(revision), complete };
  }

  #rejected(error: ErrorKey): ApplyOutcome {
    return { kind: "rejected", error, revision: this.#counters.revision };
  }
}

function decode(index: number, data: Uint8Array): readonly Command[] {
  try {
    return decodeBatch(data);
  } catch (error) {
    throw new InvariantError(`entry ${index} is no batch: ${String(error)}`);
  }
}
