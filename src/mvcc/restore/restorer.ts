/**
 * Loads a backup into an empty cluster, part by part through the log. The rows come in the order of
 * history, so that what is stored after any part is a store as it once was: snapshots, hashes and
 * collection need not know. Until the last part has come the cluster serves no other command.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { concatBytes, equalBytes, prefixEnd } from "../../base/bytes.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import {
  type BackupHeader,
  type GroupRecord,
  type KeyVersion,
  type Restore,
  type RestoreRecord,
  RestoreRecordSchema,
  type RestoreResponse,
  RestoreResponseSchema,
} from "../../wire/gen/edged_pb.ts";
import type { Counters } from "../counters.ts";
import type { KvTable } from "../kv-table.ts";
import { leaseIdBytes, leaseIdOf } from "../lease/lease-id.ts";
import type { LeaseTable } from "../lease/lease-table.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";
import { hasPrefix, isRestored, RESTORED_PREFIXES } from "./restored-records.ts";

export interface RestorerParts {
  readonly table: KvTable;
  readonly system: SystemTable;
  readonly leases: LeaseTable;
  readonly counters: Counters;
}

/** A restore's progress is the record of no name; with a name, a record that waits for the last part. */
const PROGRESS = systemKey(SYSTEM_PREFIX.restore);
const WAITING_ROWS = 64;

export class Restorer {
  readonly #parts: RestorerParts;
  /** The progress, once it was read: every command asks. */
  #known: RestoreRecord | null | undefined;

  constructor(parts: RestorerParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    return this.#progress()?.finishedRevision === 0n;
  }

  /**
   * The next part. One that was restored already changes nothing; once all are, and something else was
   * written, it is refused: the cluster is not what the backup says any more. Errors: restoreNotEmpty,
   * restoreOrder, invalidBackup.
   */
  execute(request: Restore): Result<RestoreResponse, ErrorKey> {
    const { header } = request;
    const progress = this.#progress();
    if (progress === null && !this.#isEmpty()) return err("restoreNotEmpty");
    if (progress !== null && !equalBytes(progress.backup, request.backup)) return err("restoreNotEmpty");
    const done = progress?.parts ?? 0n;
    const finishedRevision = progress?.finishedRevision ?? 0n;
    const isOver = finishedRevision !== 0n;
    const isChanged = isOver && finishedRevision !== BigInt(this.#parts.counters.revision);
    if (isChanged || (isOver && request.part >= done)) return err("restoreNotEmpty");
    if (request.part < done) return ok(this.#answer(done));
    if (request.part > done) return err("restoreOrder");
    if (header === undefined || !this.#isValid(request, header)) return err("invalidBackup");
    for (const version of request.versions) this.#version(version);
    for (const record of request.records) this.#record(record);
    if (request.last) this.#finish(header, Number(request.bumpRevision));
    const { backup, last } = request;
    const revision = last ? BigInt(this.#parts.counters.revision) : 0n;
    this.#setProgress(create(RestoreRecordSchema, { backup, parts: done + 1n, finishedRevision: revision }));
    return ok(this.#answer(done + 1n));
  }

  #isEmpty(): boolean {
    const { counters, system } = this.#parts;
    const isFree = (prefix: Uint8Array) => system.page(prefix, prefixEnd(prefix), 1).length === 0;
    return counters.revision === 1 && counters.ord === 0 && RESTORED_PREFIXES.every(isFree);
  }

  /** History in order, each part behind the one before, and nothing beyond what the header says. */
  #isValid({ versions, records, bumpRevision }: Restore, header: BackupHeader): boolean {
    let { ord, revision: main } = this.#parts.counters;
    for (const version of versions) {
      const next = Number(version.ord);
      const isOrdered = next > ord && Number(version.main) >= main && version.ord <= header.ord;
      const isSane = version.key.length > 0 && version.version >= 0n && version.sub >= 0n;
      if (!isOrdered || !isSane || version.main > header.revision) return false;
      ord = next;
      main = Number(version.main);
    }
    const counts = [header.revision, header.ord, bumpRevision, header.revision + bumpRevision];
    return (
      records.every(({ key }) => isRestored(key)) &&
      counts.every((count) => count >= 0n && count <= BigInt(Number.MAX_SAFE_INTEGER)) &&
      header.revision >= 1n &&
      header.compactRevision >= -1n &&
      header.compactRevision <= header.revision
    );
  }

  #version({ ord, main, sub, key, createMain, version, lease, value }: KeyVersion): void {
    const { table, counters } = this.#parts;
    const isDeletion = version === 0n;
    table.append(
      {
        ord: Number(ord),
        main: Number(main),
        key,
        createMain: Number(createMain),
        version: Number(version),
        lease: lease === 0n ? null : leaseIdBytes(BigInt.asIntN(64, lease)),
        value: isDeletion ? null : value,
      },
      Number(sub),
    );
    counters.ord = Number(ord);
    counters.revision = Number(main);
  }

  /** That users are asked who they are comes into force with the last part: the others must come through. */
  #record({ key, value }: GroupRecord): void {
    const { system } = this.#parts;
    system.put(hasPrefix(key, SYSTEM_PREFIX.auth) ? concatBytes([PROGRESS, key]) : key, value);
  }

  #finish(header: BackupHeader, bump: number): void {
    const { system, leases, counters } = this.#parts;
    for (const { key, value } of system.page(PROGRESS, prefixEnd(PROGRESS), WAITING_ROWS)) {
      system.delete(key);
      if (key.length > PROGRESS.length) system.put(key.slice(PROGRESS.length), value);
    }
    counters.ord = Number(header.ord);
    counters.revision = Number(header.revision) + bump;
    // Whoever watched the old cluster beyond the backup must not believe to have missed nothing.
    counters.compactRevision = bump > 0 ? counters.revision : Number(header.compactRevision);
    const { lease } = SYSTEM_PREFIX;
    for (let from: Uint8Array = lease; ; ) {
      const page = system.page(from, prefixEnd(lease), WAITING_ROWS);
      for (const { key } of page) leases.noteRestored(leaseIdOf(key.slice(lease.length)));
      const last = page.at(-1);
      if (last === undefined || page.length < WAITING_ROWS) return;
      from = concatBytes([last.key, Uint8Array.of(0)]);
    }
  }

  #answer(parts: bigint): RestoreResponse {
    const header = { revision: BigInt(this.#parts.counters.revision) };
    return create(RestoreResponseSchema, { header, parts });
  }

  #progress(): RestoreRecord | null {
    if (this.#known === undefined) {
      const stored = this.#parts.system.get(PROGRESS);
      this.#known = stored === null ? null : fromBinary(RestoreRecordSchema, stored);
    }
    return this.#known;
  }

  #setProgress(progress: RestoreRecord): void {
    this.#parts.system.put(PROGRESS, toBinary(RestoreRecordSchema, progress));
    this.#known = progress;
  }
}
