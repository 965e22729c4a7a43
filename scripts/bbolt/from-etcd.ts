/**
 * A snapshot of etcd as a backup of edged: every version, lease, user, role and permission. Members and
 * alarms stay behind. Passwords are hashed differently: authentication is off until users have new ones.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SYSTEM_PREFIX, systemKey } from "../../src/mvcc/system-keys.ts";
import {
  AuthRecordSchema,
  type BackupFrame,
  BackupFrameSchema,
  type GroupRecord,
  GroupRecordSchema,
  type KeyVersion,
  KeyVersionSchema,
  LeaseRecordSchema,
} from "../../src/wire/gen/edged_pb.ts";
import { KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import { LeaseSchema } from "../../src/wire/gen/etcd/lease_pb.ts";
import { BoltError, type BoltReader } from "./bolt-reader.ts";
import { AUTH_KEY, BUCKET, META_KEY, revisionOf, uint64, uint64Of } from "./etcd-schema.ts";

const FORMAT = 1;
/** Of one frame, about; a part of a restore must fit into a command. */
const FRAME_BYTES = 256 * 1024;
const NO_COMPACTION = -1n;
const EMPTY_REVISION = 1n;

interface Totals {
  readonly revision: bigint;
  readonly ord: bigint;
}

export async function* framesOfEtcd(database: BoltReader): AsyncGenerator<BackupFrame, void> {
  // The header comes first and knows what is last: one look at the keys before they are sent.
  const { revision, ord } = await totals(database);
  const meta = await entries(database, BUCKET.meta);
  const compacted = meta.get(META_KEY.finishedCompaction) ?? meta.get(META_KEY.scheduledCompaction);
  const compactRevision =
    compacted === undefined ? NO_COMPACTION : (revisionOf(compacted)?.main ?? NO_COMPACTION);
  const index = meta.get(META_KEY.consistentIndex);
  const last = revision > compactRevision ? revision : compactRevision;
  yield create(BackupFrameSchema, {
    header: {
      format: FORMAT,
      cluster: "etcd",
      revision: last,
      compactRevision,
      ord,
      index: index === undefined ? 0n : uint64Of(index),
    },
  });
  const attached = new Map<string, bigint>();
  yield* versionFrames(database, attached);
  for (const records of framesOfRecords(await groupRecords(database, attached))) {
    yield create(BackupFrameSchema, { records });
  }
}

async function totals(database: BoltReader): Promise<Totals> {
  let revision = EMPTY_REVISION;
  let ord = 0n;
  for await (const [key] of database.pairs(BUCKET.key)) {
    const at = revisionOf(key);
    if (at === null) throw new BoltError("the bucket of keys has a key that is no revision");
    revision = at.main;
    ord += 1n;
  }
  return { revision, ord };
}

/** `attached` is left with the leases of the keys as they are in the end. */
async function* versionFrames(
  database: BoltReader,
  attached: Map<string, bigint>,
): AsyncGenerator<BackupFrame, void> {
  let versions: KeyVersion[] = [];
  let bytes = 0;
  let ord = 0n;
  for await (const [key, value] of database.pairs(BUCKET.key)) {
    ord += 1n;
    const version = toVersion(key, value, ord);
    const name = Buffer.from(version.key).toString("hex");
    if (version.lease === 0n) attached.delete(name);
    else attached.set(name, version.lease);
    const size = version.key.length + version.value.length;
    if (versions.length > 0 && bytes + size > FRAME_BYTES) {
      yield create(BackupFrameSchema, { versions });
      versions = [];
      bytes = 0;
    }
    versions.push(version);
    bytes += size;
  }
  if (versions.length > 0) yield create(BackupFrameSchema, { versions });
}

function toVersion(key: Uint8Array, stored: Uint8Array, ord: bigint): KeyVersion {
  const at = revisionOf(key);
  if (at === null) throw new BoltError("the bucket of keys has a key that is no revision");
  const { main, sub, isTombstone } = at;
  const kv = fromBinary(KeyValueSchema, stored);
  if (isTombstone) return create(KeyVersionSchema, { ord, main, sub, key: kv.key });
  return create(KeyVersionSchema, {
    ord,
    main,
    sub,
    key: kv.key,
    createMain: kv.createRevision,
    version: kv.version,
    lease: BigInt.asUintN(64, kv.lease),
    value: kv.value,
  });
}

async function groupRecords(
  database: BoltReader,
  attached: ReadonlyMap<string, bigint>,
): Promise<readonly GroupRecord[]> {
  const records: GroupRecord[] = [];
  const add = (key: Uint8Array, value: Uint8Array) => records.push(create(GroupRecordSchema, { key, value }));
  let leases = 0n;
  for await (const [id, stored] of database.pairs(BUCKET.lease)) {
    const { TTL, RemainingTTL } = fromBinary(LeaseSchema, stored);
    const record = create(LeaseRecordSchema, { ttl: TTL, remainingMs: RemainingTTL * 1000n });
    add(systemKey(SYSTEM_PREFIX.lease, id), toBinary(LeaseRecordSchema, record));
    leases += 1n;
  }
  if (leases > 0n) add(systemKey(SYSTEM_PREFIX.leases), uint64(leases));
  for (const [name, lease] of attached) {
    add(systemKey(SYSTEM_PREFIX.attached, uint64(lease), Buffer.from(name, "hex")), new Uint8Array());
  }
  await addAuth(database, add);
  return records;
}

async function addAuth(
  database: BoltReader,
  add: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  const revision = (await entries(database, BUCKET.auth)).get(AUTH_KEY.revision);
  // Off, whatever it was: nobody could sign in to give out passwords.
  const record = create(AuthRecordSchema, { revision: revision === undefined ? 0n : uint64Of(revision) });
  if (record.revision > 0n) add(systemKey(SYSTEM_PREFIX.auth), toBinary(AuthRecordSchema, record));
  for await (const [name, user] of database.pairs(BUCKET.users))
    add(systemKey(SYSTEM_PREFIX.user, name), user);
  for await (const [name, role] of database.pairs(BUCKET.roles))
    add(systemKey(SYSTEM_PREFIX.role, name), role);
}

function* framesOfRecords(records: readonly GroupRecord[]): Generator<GroupRecord[], void> {
  let gathered: GroupRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.key.length + record.value.length;
    if (gathered.length > 0 && bytes + size > FRAME_BYTES) {
      yield gathered;
      gathered = [];
      bytes = 0;
    }
    gathered.push(record);
    bytes += size;
  }
  if (gathered.length > 0) yield gathered;
}

async function entries(database: BoltReader, bucket: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const [key, value] of database.pairs(bucket)) found.set(Buffer.from(key).toString(), value);
  return found;
}
