// @ts-check
/** Snapshots of etcd into backups and back. The converter is TypeScript in a checkout, one file in the package. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CliError } from "./errors.mjs";

const SOURCE = new URL("../bbolt/main.ts", import.meta.url);
const BUNDLE = new URL("../../dist/bbolt.mjs", import.meta.url);
/** Where a database of bbolt has its mark: behind the header of its first page. */
const MARK_AT = 16;
const MARK = Buffer.from([0xed, 0xda, 0x0c, 0xed]);

const run = promisify(execFile);

/**
 * Writes `to` in the other form; answers which that is.
 * @param {string} from
 * @param {string} to
 * @returns {Promise<string>}
 */
export async function convertSnapshot(from, to) {
  if (existsSync(SOURCE)) return (await runSource(from, to)).trim();
  const { convertFile, problemOf } = await import(BUNDLE.href);
  return convertFile(from, to).catch(asCliError(from, problemOf));
}

/**
 * As etcdctl tells it, whichever of the two the file is.
 * @param {string} path
 * @returns {Promise<{ hash: number, revision: number, totalKey: number, totalSize: number }>}
 */
export async function statusOfSnapshot(path) {
  if (existsSync(SOURCE)) return JSON.parse(await runSource(path));
  const { statusOfFile, problemOf } = await import(BUNDLE.href);
  return statusOfFile(path).catch(asCliError(path, problemOf));
}

/**
 * @param {string} path
 * @param {(error: unknown) => string | null} problemOf
 * @returns {(error: unknown) => never}
 */
function asCliError(path, problemOf) {
  return (error) => {
    const problem = problemOf(error);
    throw problem === null ? error : new CliError(`${path}: ${problem}`);
  };
}

/** @param {readonly string[]} files */
async function runSource(...files) {
  const { ensureInstalled, pinnedNode } = await import("../lib/install.mjs");
  ensureInstalled();
  try {
    return (await run(pinnedNode, [fileURLToPath(SOURCE), ...files])).stdout;
  } catch (error) {
    const { stderr } = /** @type {{ stderr?: string }} */ (error);
    throw new CliError(stderr?.trim() || `${files[0]} could not be read`);
  }
}

/**
 * Whether the file is a database of bbolt, and so probably a snapshot of etcd.
 * @param {string} path
 */
export async function isEtcdSnapshot(path) {
  const file = await open(path, "r").catch((/** @type {Error} */ error) => {
    throw new CliError(`cannot read ${path}: ${error.message}`);
  });
  try {
    const { buffer } = await file.read(Buffer.alloc(MARK.length), 0, MARK.length, MARK_AT);
    return buffer.equals(MARK);
  } finally {
    await file.close();
  }
}
