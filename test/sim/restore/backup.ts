/**
 * A backup to begin a run with: a history made up from the seed, run by the naive store and by a state
 * machine of production, whose rows are what is restored.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { defined } from "../../../src/base/assert.ts";
import type { Prng } from "../../../src/base/prng.ts";
import { INITIAL_MVCC_STATE } from "../../../src/mvcc/mvcc-state.ts";
import { backupRows } from "../../../src/mvcc/restore/backup-slice.ts";
import { createSchema } from "../../../src/mvcc/schema.ts";
import { SNAPSHOT_START, type SnapshotCursor } from "../../../src/mvcc/snapshot-types.ts";
import { StateMachine } from "../../../src/mvcc/state-machine.ts";
import { NodeSql } from "../../../src/storage/node-sql.ts";
import { encodeBatch } from "../../../src/wire/batch.ts";
import {
  BackupHeaderSchema,
  type Command,
  CommandSchema,
  LeaseCheckpointsSchema,
  type Restore,
  RestoreSchema,
} from "../../../src/wire/gen/edged_pb.ts";
import type { RunOptions } from "../options.ts";
import { Model } from "../oracle/model.ts";
import type { NaiveStore } from "../oracle/naive-store.ts";
import { COMPACTION } from "../oracle/operations/compaction.ts";
import { DELETE_RANGE } from "../oracle/operations/delete-range.ts";
import { LEASE_GRANT, LEASE_REVOKE } from "../oracle/operations/lease.ts";
import type { DrawContext, WriteKind } from "../oracle/operations/operation-kind.ts";
import { PUT } from "../oracle/operations/put.ts";
import { TXN } from "../oracle/operations/txn.ts";
import { FIRST_STEPS } from "../oracle/operations/users.ts";

type Request = Command["request"];

const WHOLE_BYTES = 100_000;

export interface Backup {
  readonly id: Uint8Array;
  /** In their order. */
  readonly parts: readonly Restore[];
  /** The store that it is of. */
  readonly store: NaiveStore;
  /** What is left of the time of leases that were noted in the log, in ms. */
  readonly remainingMs: ReadonlyMap<bigint, number>;
  readonly bumpRevision: number;
}

const KINDS: readonly WriteKind[] = [PUT, PUT, PUT, TXN, TXN, DELETE_RANGE, COMPACTION];
const LEASE_KINDS: readonly WriteKind[] = [PUT, LEASE_GRANT, LEASE_GRANT, LEASE_REVOKE];
const WRITES_MAX = 60;
const ID_BYTES = 32;

export function makeBackup(options: RunOptions, random: Prng): Backup {
  const sql = new NodeSql();
  createSchema(sql);
  const machine = new StateMachine(sql, INITIAL_MVCC_STATE);
  const model = new Model();
  const remainingMs = new Map<bigint, number>();
  const apply = (request: Request): void => {
    const internal = request.case === "leaseCheckpoints";
    const command = create(CommandSchema, { request, internal });
    const index = model.index + 1;
    const data = encodeBatch([toBinary(CommandSchema, command)]);
    machine.apply(index, data);
    model.replay({ kind: "command", index, term: 1, data });
    for (const id of remainingMs.keys()) if (!model.store.leases.has(id)) remainingMs.delete(id);
  };
  const writes = random.below(WRITES_MAX);
  for (let number = 1; number <= writes; number += 1) {
    apply(drawRequest(options, random, model, number));
    if (random.chance(0.1)) checkpoint(model, random, remainingMs, apply);
    if (random.chance(0.1)) machine.collectGarbage(5);
  }
  if (random.chance(0.5)) {
    // Whoever is never asked cannot sign in.
    for (const step of options.users ? FIRST_STEPS : FIRST_STEPS.slice(0, -1)) apply(step);
  }
  const id = Uint8Array.from({ length: ID_BYTES }, () => random.below(256));
  const bumpRevision = random.pick([0, 0, 5]);
  const parts = partsOf(sql, machine, id, random.pick([1, 200, 1_000, WHOLE_BYTES]), bumpRevision);
  return { id, parts, store: model.store, remainingMs, bumpRevision };
}

function drawRequest(options: RunOptions, random: Prng, { store }: Model, number: number): Request {
  const context: DrawContext = {
    random,
    keys: options.keys,
    user: "",
    usesLeases: options.leases,
    number: 1_000_000 + number,
    revision: store.revision,
    modRevision: (key) => store.live(key)?.mod ?? 0,
  };
  const kinds = options.leases && random.chance(0.3) ? LEASE_KINDS : KINDS;
  const planned = random.pick(kinds).draw(context);
  if (planned.kind !== "write") throw new Error("only writes make history");
  return planned.request;
}

/** A leader notes what is left of a lease. */
function checkpoint(
  { store }: Model,
  random: Prng,
  remainingMs: Map<bigint, number>,
  apply: (request: Request) => void,
): void {
  const ids = [...store.leases.keys()];
  if (ids.length === 0) return;
  const id = random.pick(ids);
  const leftMs = 500 + random.below(1_500);
  const value = create(LeaseCheckpointsSchema, {
    leases: [{ id, remainingMs: BigInt(leftMs), granted: BigInt(store.granted.get(id) ?? 0) }],
  });
  apply({ case: "leaseCheckpoints", value });
  remainingMs.set(id, leftMs);
}

function partsOf(
  sql: NodeSql,
  machine: StateMachine,
  backup: Uint8Array,
  bytesMax: number,
  bumpRevision: number,
): Restore[] {
  const bounds = machine.pin();
  const { revision, compactRevision, ord } = bounds.state;
  const header = create(BackupHeaderSchema, {
    revision: BigInt(revision),
    compactRevision: BigInt(compactRevision),
    ord: BigInt(ord),
  });
  const parts: Restore[] = [];
  for (let cursor: SnapshotCursor | null = SNAPSHOT_START; cursor !== null; ) {
    const { versions, records, next } = backupRows(sql, bounds, cursor, bytesMax);
    const last = next === null;
    const bump = BigInt(last ? bumpRevision : 0);
    const part = BigInt(parts.length);
    const more = { part, header, versions, records, last, bumpRevision: bump };
    parts.push(create(RestoreSchema, { backup, ...more }));
    cursor = next;
  }
  const last = defined(parts.at(-1), "a backup has a last part");
  return bytesMax < WHOLE_BYTES ? parts : [whole(parts, last)];
}

/** All of it in one part, as nobody's backup comes, but as anybody may send it: it is never under way. */
function whole(parts: readonly Restore[], last: Restore): Restore {
  const versions = parts.flatMap((part) => part.versions);
  const records = parts.flatMap((part) => part.records);
  return create(RestoreSchema, { ...last, part: 0n, versions, records });
}
