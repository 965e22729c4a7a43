/** Files from one form into the other: a snapshot of etcd into a backup of edged, and back. */
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { BACKUP_MAGIC, BackupError, writeFrames } from "./backup-file.ts";
import { BoltError, BoltReader } from "./bolt-reader.ts";
import { fileSource } from "./file-pages.ts";
import { framesOfEtcd } from "./from-etcd.ts";
import { streamEtcdSnapshot } from "./snapshot-stream.ts";

export type Form = "etcd" | "edged";

/** Which of the two `from` is, and writes `to` as the other; returns what was written. */
export async function convertFile(from: string, to: string): Promise<Form> {
  const fromBackup = await isBackup(from);
  await writeWhole(to, fromBackup ? toEtcd(from) : fromEtcd(from));
  return fromBackup ? "etcd" : "edged";
}

/** Whether the file is a backup of edged; a snapshot of etcd is none. */
export async function isBackup(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(BACKUP_MAGIC.length), 0, BACKUP_MAGIC.length, 0);
    return buffer.equals(BACKUP_MAGIC);
  } finally {
    await file.close();
  }
}

async function* toEtcd(path: string): AsyncGenerator<Uint8Array, void> {
  for await (const { blob } of streamEtcdSnapshot(createReadStream(path))) yield blob;
}

async function* fromEtcd(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, "r");
  try {
    yield* writeFrames(framesOfEtcd(await BoltReader.open(await fileSource(file))));
  } finally {
    await file.close();
  }
}

/** All of it or nothing: what breaks off leaves no file of that name. */
async function writeWhole(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${path}.part`;
  const file = await open(partial, "w", 0o600);
  try {
    for await (const chunk of bytes) await file.write(chunk);
    await file.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

/** The error in words for whoever gave the file; null for one that is nobody's fault. */
export function problemOf(error: unknown): string | null {
  if (error instanceof BackupError || error instanceof BoltError) return error.message;
  return error instanceof Error && "code" in error ? error.message : null;
}
