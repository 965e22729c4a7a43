/** What etcdctl tells of a snapshot: its hash, the newest revision, how many pairs, how large. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BoltReader } from "./bolt-reader.ts";
import { convertFile, isBackup } from "./convert.ts";
import { Crc32c } from "./crc32c.ts";
import { BUCKET, revisionOf } from "./etcd-schema.ts";
import { fileSource } from "./file-pages.ts";

export interface SnapshotStatus {
  /** CRC-32C of the buckets' names, keys and values. */
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  /** Bytes. */
  readonly totalSize: number;
}

/** Of a snapshot of etcd; a backup of edged is looked at as the snapshot that it can become. */
export async function statusOfFile(path: string): Promise<SnapshotStatus> {
  if (!(await isBackup(path))) return statusOfDatabase(path);
  const folder = await mkdtemp(join(tmpdir(), "edged-status-"));
  try {
    const database = join(folder, "db");
    await convertFile(path, database);
    return await statusOfDatabase(database);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Source: etcdctl `snapshot/v3_snapshot.go`. */
async function statusOfDatabase(path: string): Promise<SnapshotStatus> {
  const file = await open(path, "r");
  try {
    const reader = await BoltReader.open(await fileSource(file));
    const crc = new Crc32c();
    let revision = 0;
    let totalKey = 0;
    for (const name of await reader.names()) {
      crc.add(Buffer.from(name));
      for await (const [key, value] of reader.pairs(name)) {
        crc.add(key);
        crc.add(value);
        totalKey += 1;
        if (name === BUCKET.key) revision = Number(revisionOf(key)?.main ?? revision);
      }
    }
    return { hash: crc.value, revision, totalKey, totalSize: reader.databaseBytes };
  } finally {
    await file.close();
  }
}
