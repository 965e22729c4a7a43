/**
 * A backup of edged as etcd's Snapshot streams it: a database of bbolt and its SHA-256 behind it. The
 * database's first pages are known last, so it is made in a temporary file.
 */
import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFrames } from "./backup-file.ts";
import { fileSink } from "./file-pages.ts";
import { writeEtcdDatabase } from "./to-etcd.ts";

/** As etcd's. */
const BLOB_BYTES = 32 * 1024;

export interface SnapshotPiece {
  readonly blob: Uint8Array;
  /** How much of the database is still to come, the checksum left out. */
  readonly remainingBytes: number;
}

export async function* streamEtcdSnapshot(
  backup: AsyncIterable<Uint8Array>,
): AsyncGenerator<SnapshotPiece, void> {
  const folder = await mkdtemp(join(tmpdir(), "edged-snapshot-"));
  try {
    const file = await open(join(folder, "db"), "w+", 0o600);
    try {
      const size = await writeEtcdDatabase(readFrames(backup), fileSink(file));
      const hash = createHash("sha256");
      for (let at = 0; at < size; at += BLOB_BYTES) {
        const blob = Buffer.alloc(Math.min(BLOB_BYTES, size - at));
        await file.read(blob, 0, blob.length, at);
        hash.update(blob);
        yield { blob, remainingBytes: size - at - blob.length };
      }
      yield { blob: hash.digest(), remainingBytes: 0 };
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
