/**
 * A backup of edged as a database of etcd, which etcdctl and etcd take as a snapshot. Members are left
 * to the restore, which makes its own. Passwords are hashed differently: users must be given new ones.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AuthRecordSchema,
  type BackupFrame,
  type BackupHeader,
  type GroupRecord,
  type KeyVersion,
  LeaseRecordSchema,
} from "../../src/wire/gen/edged_pb.ts";
import { KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import { LeaseSchema } from "../../src/wire/gen/etcd/lease_pb.ts";
import { BackupError } from "./backup-file.ts";
import { BoltWriter, type PageSink, type Pair } from "./bolt-writer.ts";
import {
  AUTH_KEY,
  BUCKET,
  CLUSTER_VERSION,
  CLUSTER_VERSION_KEY,
  META_KEY,
  recordName,
  revisionKey,
  uint64,
} from "./etcd-schema.ts";

const NO_COMPACTION = -1n;

/** Writes the database; returns its size in bytes. */
export async function writeEtcdDatabase(frames: AsyncIterable<BackupFrame>, sink: PageSink): Promise<number> {
  const writer = new BoltWriter(sink);
  const rows = new BackupRows(frames);
  const bucket = (name: string, pairs: AsyncIterable<Pair> | Iterable<Pair>) =>
    writer.bucket(Buffer.from(name), pairs);
  await bucket(BUCKET.key, rows.versions());
  const { header, records } = rows;
  if (header === null) throw new BackupError("it has no header");
  await bucket(BUCKET.meta, metaPairs(header));
  await bucket(BUCKET.lease, leasePairs(records));
  await bucket(BUCKET.auth, authPairs(records));
  await bucket(BUCKET.users, namedPairs(records, "user"));
  await bucket(BUCKET.roles, namedPairs(records, "role"));
  for (const name of [BUCKET.alarm, BUCKET.members, BUCKET.removed]) await bucket(name, []);
  await bucket(BUCKET.cluster, [[Buffer.from(CLUSTER_VERSION_KEY), Buffer.from(CLUSTER_VERSION)]]);
  return writer.finish();
}

/** The versions as they come; what else there is, once they have come. */
class BackupRows {
  readonly #frames: AsyncIterable<BackupFrame>;
  readonly records: GroupRecord[] = [];
  header: BackupHeader | null = null;

  constructor(frames: AsyncIterable<BackupFrame>) {
    this.#frames = frames;
  }

  async *versions(): AsyncGenerator<Pair, void> {
    for await (const { header, versions, records } of this.#frames) {
      if (header !== undefined) this.header = header;
      this.records.push(...records);
      for (const version of versions) yield versionPair(version);
    }
  }
}

function versionPair({ main, sub, key, createMain, version, lease, value }: KeyVersion): Pair {
  const isTombstone = version === 0n;
  const stored = isTombstone
    ? create(KeyValueSchema, { key })
    : create(KeyValueSchema, {
        key,
        value,
        version,
        createRevision: createMain,
        modRevision: main,
        lease: BigInt.asIntN(64, lease),
      });
  return [revisionKey({ main, sub, isTombstone }), toBinary(KeyValueSchema, stored)];
}

function metaPairs({ compactRevision, index }: BackupHeader): Pair[] {
  const pairs: Pair[] = [[Buffer.from(META_KEY.consistentIndex), uint64(index)]];
  if (compactRevision !== NO_COMPACTION) {
    const at = revisionKey({ main: compactRevision, sub: 0n, isTombstone: false });
    pairs.push([Buffer.from(META_KEY.finishedCompaction), at]);
    pairs.push([Buffer.from(META_KEY.scheduledCompaction), at]);
  }
  return pairs;
}

function leasePairs(records: readonly GroupRecord[]): Pair[] {
  return named(records, "lease").map(([id, value]) => {
    const { ttl, remainingMs } = fromBinary(LeaseRecordSchema, value);
    const lease = create(LeaseSchema, {
      ID: Buffer.from(id).readBigInt64BE(0),
      TTL: ttl,
      RemainingTTL: (remainingMs + 999n) / 1000n,
    });
    return [id, toBinary(LeaseSchema, lease)];
  });
}

function authPairs(records: readonly GroupRecord[]): Pair[] {
  const [record] = named(records, "auth");
  const { enabled, revision } = fromBinary(AuthRecordSchema, record?.[1] ?? new Uint8Array());
  return [
    [Buffer.from(AUTH_KEY.enabled), Uint8Array.of(enabled ? 1 : 0)],
    [Buffer.from(AUTH_KEY.revision), uint64(revision)],
  ];
}

function namedPairs(records: readonly GroupRecord[], kind: "user" | "role"): readonly Pair[] {
  return named(records, kind);
}

/** Records of one kind by what names them; a backup has them in the order of their keys. */
function named(records: readonly GroupRecord[], kind: "lease" | "auth" | "user" | "role"): Pair[] {
  return records.flatMap(({ key, value }): Pair[] => {
    const name = recordName(key, kind);
    return name === null ? [] : [[name, value]];
  });
}
