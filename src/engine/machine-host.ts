/**
 * The state machine together with what is only this replica's: which generation of tables is in
 * use, a snapshot being staged in the other one, and the slow deletion of what nobody needs.
 */
import { assert } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Sql } from "../base/sql.ts";
import type { Alarms } from "../mvcc/alarm/alarms.ts";
import type { ApplyResult } from "../mvcc/apply-outcome.ts";
import type { AuthStore } from "../mvcc/auth/auth-store.ts";
import { hashSlice } from "../mvcc/hash-slice.ts";
import type { LeaseTable } from "../mvcc/lease/lease-table.ts";
import type { Membership } from "../mvcc/member/membership.ts";
import type { MvccState } from "../mvcc/mvcc-state.ts";
import type { RangePage } from "../mvcc/range-page.ts";
import { type BackupRows, backupRows } from "../mvcc/restore/backup-slice.ts";
import {
  beginImport,
  dropGeneration,
  exportChunk,
  finishImport,
  importChunk,
  stagingGeneration,
} from "../mvcc/snapshot.ts";
import type { SnapshotBounds, SnapshotChunk, SnapshotCursor } from "../mvcc/snapshot-types.ts";
import { StateMachine } from "../mvcc/state-machine.ts";
import { isReadOnly } from "../mvcc/validate.ts";
import { History } from "../mvcc/watch/history.ts";
import { decodeCommand } from "../wire/batch.ts";
import type { ErrorKey } from "../wire/errors.ts";
import type { HashSlice } from "../wire/gen/edged_pb.ts";
import type { RangeRequest, TxnRequest, TxnResponse } from "../wire/gen/etcd/rpc_pb.ts";
import type { RangeCall } from "./replica-api.ts";

/** Versions looked at, or rows dropped, by one slice of housekeeping. */
const HOUSEKEEPING_ROWS = 500;

export class MachineHost {
  readonly #sql: Sql;
  #machine: StateMachine;
  /** The generation not in use may hold rows of an older snapshot or of an abandoned import. */
  #mustDrop: boolean;
  #isImporting: boolean;

  /** `isImporting`: a snapshot was being staged when memory was lost; its rows are kept. */
  constructor(sql: Sql, state: MvccState, isImporting: boolean) {
    this.#sql = sql;
    this.#machine = new StateMachine(sql, state);
    this.#isImporting = isImporting;
    this.#mustDrop = !isImporting && !beginImport(sql, stagingGeneration(state));
  }

  state(): MvccState {
    return this.#machine.state();
  }

  apply(index: number, data: Uint8Array): ApplyResult {
    return this.#machine.apply(index, data);
  }

  /** The encoded answer to a read of nothing but one key, which must not be empty. */
  get(key: Uint8Array): Uint8Array {
    return this.#machine.get(key);
  }

  range(
    request: RangeRequest,
    { counted = true, paged = false }: Pick<RangeCall, "counted" | "paged">,
  ): Result<RangePage, ErrorKey> {
    if (paged) return this.#machine.rangePage(request, counted);
    const whole = this.#machine.range(request, counted);
    return whole.ok ? ok({ response: whole.value, next: null }) : whole;
  }

  /** Answers a transaction that must only read. */
  readTxn(request: TxnRequest): Result<TxnResponse, ErrorKey> {
    return isReadOnly(request) ? this.#machine.readTxn(request) : err("invalidCommand");
  }

  /** The history of the store as it stands. */
  history(): History {
    return new History(this.#sql, this.state());
  }

  /** Nothing may be read: a backup is being restored. */
  get isRestoring(): boolean {
    return this.#machine.isRestoring;
  }

  get leases(): LeaseTable {
    return this.#machine.leases;
  }

  get membership(): Membership {
    return this.#machine.registry.membership;
  }

  /** The users of the group, and what they may do. */
  get auth(): AuthStore {
    return this.#machine.auth;
  }

  get alarms(): Alarms {
    return this.#machine.alarms;
  }

  /** Why the alarms of the moment refuse an encoded command, or null. */
  refusal(command: Uint8Array): ErrorKey | null {
    return this.alarms.list().length === 0 ? null : this.alarms.refusal(decodeCommand(command));
  }

  /** Rows of a backup of a pinned moment. */
  backupRows(bounds: SnapshotBounds, cursor: SnapshotCursor, bytesMax: number): BackupRows {
    return backupRows(this.#sql, bounds, cursor, bytesMax);
  }

  /** The hash of a history with the next rows in it. */
  hashSlice(slice: HashSlice): Result<HashSlice, ErrorKey> {
    return hashSlice(this.#sql, this.state(), slice);
  }

  /** A hash over all that replicas must agree on; reads everything. */
  hash(): string {
    return this.#machine.hash();
  }

  /** Keeps this moment's rows until `unpin`. */
  pin(): SnapshotBounds {
    return this.#machine.pin();
  }

  unpin(bounds: SnapshotBounds): void {
    this.#machine.unpin(bounds);
  }

  exportChunk(bounds: SnapshotBounds, cursor: SnapshotCursor, bytesMax: number): SnapshotChunk {
    return exportChunk(this.#sql, bounds.state.generation, bounds, cursor, bytesMax);
  }

  /** A new import takes the place of any other; ready once `isReadyToImport`. */
  beginImport(): void {
    this.#isImporting = true;
    this.#mustDrop = !beginImport(this.#sql, stagingGeneration(this.state()));
  }

  get isReadyToImport(): boolean {
    return this.#isImporting && !this.#mustDrop;
  }

  importChunk(chunk: SnapshotChunk): void {
    assert(this.isReadyToImport, "rows are staged in empty tables only");
    importChunk(this.#sql, stagingGeneration(this.state()), chunk);
  }

  /** The staged rows become the store; the old ones are dropped bit by bit. */
  finishImport(state: MvccState): void {
    assert(this.isReadyToImport, "nothing was staged");
    const generation = stagingGeneration(this.state());
    this.#machine = new StateMachine(this.#sql, finishImport(this.#sql, generation, { state }));
    this.#isImporting = false;
    this.#mustDrop = true;
  }

  /** The staged rows are of no use any more. */
  abandonImport(): void {
    this.#isImporting = false;
    this.#mustDrop = true;
  }

  /** True while rows wait to be deleted. */
  hasHousekeeping(): boolean {
    return this.#mustDrop || this.#machine.hasGarbage();
  }

  /** One bounded slice of deletions, in a transaction of the caller. */
  housekeep(): void {
    if (this.#mustDrop) {
      this.#mustDrop = !dropGeneration(this.#sql, stagingGeneration(this.state()), HOUSEKEEPING_ROWS);
    } else {
      this.#machine.collectGarbage(HOUSEKEEPING_ROWS);
    }
  }
}
