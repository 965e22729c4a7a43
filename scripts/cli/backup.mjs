// @ts-check
/** Backups: the stream of etcd's Snapshot into a file, and a file into an empty cluster. */
import { createHash } from "node:crypto";
import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertSnapshot, isEtcdSnapshot } from "./convert.mjs";
import { CliError } from "./errors.mjs";
import { bytes, int } from "./message.mjs";
import { jsonLine } from "./print/output.mjs";

/** As in src/gateway/backup/backup-file.ts; docs/snapshot-format.md describes the rest. */
const MAGIC = Buffer.from("edged backup 1\n");
const CHECKSUM_BYTES = 32;
const LENGTH_BYTES = 4;
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** @typedef {import("./context.mjs").CommandContext} CommandContext */

/**
 * @param {CommandContext} context
 * @param {string} file
 */
export async function saveSnapshot({ client, stdout, format }, file) {
  const partial = `${file}.part`;
  const handle = await open(partial, "w");
  const hash = createHash("sha256");
  let size = 0;
  /** @type {Buffer | null} the last blob, which is the checksum if nothing follows */
  let last = null;
  try {
    for await (const answer of client.stream("maintenance/snapshot", {})) {
      if (last !== null) hash.update(last);
      last = bytes(answer, "blob");
      size += last.length;
      await handle.write(last);
    }
    if (last === null || !hash.digest().equals(last)) {
      throw new CliError(`the backup broke off after ${size} bytes; ${partial} is not complete`);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, file);
  stdout.write(format === "json" ? jsonLine({ file, bytes: size }) : `Snapshot saved at ${file}\n`);
}

/**
 * @param {CommandContext} context
 * @param {string} file
 * @param {{ bumpRevision?: number }} options
 */
export async function restore(context, file, options) {
  if (!(await isEtcdSnapshot(file))) return restoreBackup(context, file, options);
  const folder = await mkdtemp(join(tmpdir(), "edged-restore-"));
  try {
    const backup = join(folder, "backup");
    await convertSnapshot(file, backup);
    context.stderr.write("a snapshot of etcd: authentication stays off until users have new passwords\n");
    await restoreBackup(context, backup, options, file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {CommandContext} context
 * @param {string} file
 * @param {{ bumpRevision?: number }} options
 * @param {string} [name] what the user calls it
 */
async function restoreBackup({ client, stdout, format }, file, { bumpRevision = 0 }, name = file) {
  const handle = await open(file, "r").catch((/** @type {Error} */ error) => {
    throw new CliError(`cannot read ${file}: ${error.message}`);
  });
  try {
    const backup = (await verify(handle, file)).toString("hex");
    const frames = framesOf(handle, file);
    const { value: header } = await frames.next();
    if (header === undefined) throw new CliError(`${file} has no header`);
    let part = 0;
    /** @type {import("./message.mjs").Message} */
    let told = {};
    /** @param {Uint8Array} rows @param {boolean} isLast */
    const send = async (rows, isLast) => {
      const flags = isLast ? `&last=true&bump_revision=${bumpRevision}` : "";
      const path = `/restore?backup=${backup}&part=${part}${flags}`;
      // Messages behind each other are one message with the fields of both.
      told = await client.post(path, Buffer.concat([header, rows]));
      part += 1;
    };
    let next = await frames.next();
    if (next.done === true) await send(new Uint8Array(), true);
    while (next.done !== true) {
      const rows = next.value;
      next = await frames.next();
      await send(rows, next.done === true);
    }
    const revision = int(told, "revision");
    stdout.write(
      format === "json" ? jsonLine({ file: name, revision }) : `Restored ${name} at revision ${revision}\n`,
    );
  } finally {
    await handle.close();
  }
}

/**
 * The file's checksum, which is right.
 * @param {import("node:fs/promises").FileHandle} handle
 * @param {string} file
 */
async function verify(handle, file) {
  const { size } = await handle.stat();
  const end = size - CHECKSUM_BYTES;
  if (end < MAGIC.length + LENGTH_BYTES || !(await read(handle, 0, MAGIC.length)).equals(MAGIC)) {
    throw new CliError(`${file} is no backup of edged`);
  }
  const hash = createHash("sha256");
  for (let at = 0; at < end; ) {
    const chunk = await read(handle, at, Math.min(CHUNK_BYTES, end - at));
    hash.update(chunk);
    at += chunk.length;
  }
  const checksum = await read(handle, end, CHECKSUM_BYTES);
  if (!hash.digest().equals(checksum)) throw new CliError(`${file} is damaged: its checksum is wrong`);
  return checksum;
}

/**
 * @param {import("node:fs/promises").FileHandle} handle
 * @param {string} file
 * @returns {AsyncGenerator<Buffer, void>}
 */
async function* framesOf(handle, file) {
  for (let at = MAGIC.length; ; ) {
    const length = (await read(handle, at, LENGTH_BYTES)).readUInt32BE(0);
    if (length === 0) return;
    if (length > FRAME_BYTES_MAX) throw new CliError(`${file} has a frame of ${length} bytes`);
    yield await read(handle, at + LENGTH_BYTES, length);
    at += LENGTH_BYTES + length;
  }
}

/**
 * @param {import("node:fs/promises").FileHandle} handle
 * @param {number} at
 * @param {number} length
 */
async function read(handle, at, length) {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead < length) throw new CliError("the file ends too early");
  return buffer;
}
