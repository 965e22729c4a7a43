// @ts-check
/** `put`, `get` and `del`. */
import { isFromReplica, keyPath, notEdged, request, requestJson } from "./client.mjs";
import { usageError } from "./errors.mjs";
import { printJson, printPair } from "./output.mjs";

/** @typedef {import("./program.mjs").CommandContext} CommandContext */

/**
 * @typedef {object} ListItem one key of a list, as the server writes it
 * @property {string} [key]
 * @property {string} [key_base64]
 * @property {string} [value]
 * @property {string} [value_base64]
 */

/**
 * @typedef {object} ListPage
 * @property {readonly ListItem[]} keys
 * @property {boolean} more
 * @property {string} [next]
 * @property {number} revision
 */

/** Keys asked for at once. */
const PAGE_KEYS = 1_000;

/**
 * Writes one key; without a value it is read from standard input.
 * @param {CommandContext} context
 * @param {string} key
 * @param {string | undefined} value
 */
export async function put(context, key, value) {
  const path = keyPath(key);
  const body = value === undefined ? await readStdin(context) : new TextEncoder().encode(value);
  const answer = await requestJson(context.connection, { path, method: "PUT", body });
  if (context.json) printJson(context.stdout, answer);
  else context.stdout.write("OK\n");
}

/** @param {CommandContext} context */
async function readStdin({ stdin }) {
  if ("isTTY" in stdin && stdin.isTTY === true) {
    throw usageError("no value: give it after the key or on standard input (edged put KEY < FILE)");
  }
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * @typedef {object} GetOptions
 * @property {boolean} [prefix]
 * @property {boolean} [keysOnly]
 * @property {boolean} [printValueOnly]
 * @property {number} [limit]
 * @property {number} [rev]
 * @property {string} [consistency]
 */

/**
 * @param {CommandContext} context
 * @param {string} key
 * @param {GetOptions} options
 */
export async function get(context, key, options) {
  const query = new URLSearchParams();
  if (options.rev !== undefined && options.rev > 0) query.set("revision", String(options.rev));
  if (options.consistency !== undefined) query.set("consistency", options.consistency);
  if (options.keysOnly && options.printValueOnly) {
    throw usageError("--keys-only and --print-value-only leave nothing to print");
  }
  await (options.prefix ? getPrefix(context, key, options, query) : getOne(context, key, options, query));
}

/**
 * @param {CommandContext} context
 * @param {string} key
 * @param {GetOptions} options
 * @param {URLSearchParams} query
 */
async function getOne(context, key, options, query) {
  const path = withQuery(keyPath(key), query);
  const response = await request(context.connection, { path, acceptMissing: true });
  if (!isFromReplica(response)) throw notEdged(response);
  const value = new Uint8Array(await response.arrayBuffer());
  const revision = Number(response.headers.get("X-Edged-Revision"));
  const found = response.status !== 404;
  if (context.json) {
    const item = {
      key,
      ...(options.keysOnly ? {} : textOrBase64(value)),
      create_revision: Number(response.headers.get("X-Edged-Create-Revision")),
      mod_revision: Number((response.headers.get("ETag") ?? "").replaceAll(/\D/g, "")),
      version: Number(response.headers.get("X-Edged-Version")),
    };
    printJson(context.stdout, { keys: found ? [item] : [], revision });
  } else if (found) {
    const pair = { key: Buffer.from(key), value: options.keysOnly ? new Uint8Array(0) : value };
    printPair(context.stdout, pair, { hex: context.hex, valueOnly: options.printValueOnly === true });
  }
}

/**
 * All keys with the prefix, page by page at the revision of the first page.
 * @param {CommandContext} context
 * @param {string} prefix
 * @param {GetOptions} options
 * @param {URLSearchParams} query
 */
async function getPrefix(context, prefix, options, query) {
  let left = options.limit || Number.POSITIVE_INFINITY;
  query.set("prefix", prefix);
  if (options.keysOnly) query.set("keys_only", "true");
  /** @type {ListItem[]} */
  const collected = [];
  for (let more = true; more; ) {
    query.set("limit", String(Math.min(left, PAGE_KEYS)));
    const path = withQuery("/kv/", query);
    const page = /** @type {ListPage} */ (await requestJson(context.connection, { path }));
    left -= page.keys.length;
    more = page.more && left > 0;
    query.set("revision", String(page.revision));
    query.set("after", page.next ?? "");
    if (context.json) {
      collected.push(...page.keys);
      if (!more) printJson(context.stdout, { keys: collected, more: page.more, revision: page.revision });
    } else {
      const format = { hex: context.hex, valueOnly: options.printValueOnly === true };
      for (const item of page.keys) printPair(context.stdout, pairOf(item), format);
    }
  }
}

/**
 * @param {CommandContext} context
 * @param {string} key
 * @param {{ prefix?: boolean, all?: boolean }} options
 */
export async function del(context, key, options) {
  let path = "";
  if (options.prefix) {
    if (key === "" && !options.all)
      throw usageError("an empty prefix deletes every key; add --all if you mean it");
    path = withQuery("/kv/", new URLSearchParams({ prefix: key, ...(key === "" ? { all: "true" } : {}) }));
  } else {
    path = keyPath(key);
  }
  const answer = /** @type {{ deleted: number }} */ (
    await requestJson(context.connection, { path, method: "DELETE" })
  );
  if (context.json) printJson(context.stdout, answer);
  else context.stdout.write(`${answer.deleted}\n`);
}

/**
 * @param {string} path
 * @param {URLSearchParams} query
 */
function withQuery(path, query) {
  return query.size === 0 ? path : `${path}?${query}`;
}

/**
 * @param {ListItem} item
 * @returns {import("./output.mjs").Pair}
 */
function pairOf(item) {
  return { key: bytesOf(item.key, item.key_base64), value: bytesOf(item.value, item.value_base64) };
}

/**
 * @param {string | undefined} text
 * @param {string | undefined} base64
 */
function bytesOf(text, base64) {
  return text === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(text);
}

/** @param {Uint8Array} bytes */
function textOrBase64(bytes) {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { value_base64: Buffer.from(bytes).toString("base64") };
  }
}
