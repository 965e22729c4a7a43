// @ts-check
/** `put`, `get`, `del` and `compaction`. Their requests are also those of a transaction's lines. */
import { Command } from "commander";
import { CliError, EXIT, usageError } from "../errors.mjs";
import { base64, bytes, child, children, flag, text } from "../message.mjs";
import { parseCount, parseHexId, parseRevision } from "../options.mjs";
import { deletePrinters, pairText, putPrinters, rangePrinters } from "../print/kv.mjs";
import { show, supports } from "../print/output.mjs";
import { readAll } from "../prompt.mjs";
import { rangeOf } from "../ranges.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

/** Keys asked for at once. */
const PAGE_KEYS = 1_000;
const NEEDS_VALUE = "put command needs 1 argument and input from stdin or 2 arguments";
const SORT_TARGETS = new Map([
  ["CREATE", "CREATE"],
  ["KEY", "KEY"],
  ["MODIFY", "MOD"],
  ["VALUE", "VALUE"],
  ["VERSION", "VERSION"],
]);

/**
 * @typedef {object} PutOptions
 * @property {string} [lease]
 * @property {boolean} [prevKv]
 * @property {boolean} [ignoreValue]
 * @property {boolean} [ignoreLease]
 */

export function putCommand() {
  return new Command("put")
    .argument("[key]")
    .argument("[value]")
    .description("write a key; a missing value is read from stdin")
    .usage("[options] <key> <value> (the value may also come from stdin)")
    .option("--lease <id>", "the lease (hexadecimal) that the key ends with")
    .option("--prev-kv", "show what was there before")
    .option("--ignore-value", "keep the value, change the lease only")
    .option("--ignore-lease", "keep the lease, change the value only")
    .addHelpText("after", "\nA value that begins with a dash stands behind --: edged put KEY -- -1");
}

/**
 * @param {readonly string[]} args
 * @param {PutOptions} options
 * @param {(() => Promise<Uint8Array>) | null} readValue null where the value has to be an argument
 * @returns {Promise<Message>}
 */
export async function putRequest([key, value], options, readValue) {
  if (key === undefined) throw usageError(NEEDS_VALUE);
  if (options.ignoreValue && value !== undefined) {
    throw usageError("put command needs only 1 argument when 'ignore-value' is set");
  }
  const needsValue = value === undefined && !options.ignoreValue;
  if (needsValue && readValue === null) throw usageError(NEEDS_VALUE);
  const content = needsValue && readValue !== null ? await readValue() : (value ?? "");
  return {
    key: base64(key),
    value: base64(content),
    ...(options.lease === undefined ? {} : { lease: parseHexId(options.lease, "lease ID") }),
    ...(options.prevKv ? { prev_kv: true } : {}),
    ...(options.ignoreValue ? { ignore_value: true } : {}),
    ...(options.ignoreLease ? { ignore_lease: true } : {}),
  };
}

/**
 * @typedef {import("../ranges.mjs").RangeOptions & {
 *   keysOnly?: boolean,
 *   printValueOnly?: boolean,
 *   limit?: number,
 *   rev?: string,
 *   consistency?: string,
 *   order?: string,
 *   sortBy?: string,
 * }} GetOptions
 */

export function getCommand() {
  return new Command("get")
    .argument("[key]")
    .argument("[range_end]")
    .description("read a key, a range or all keys with a prefix")
    .usage("[options] <key> [range_end]")
    .option("--prefix", "all keys that start with <key>")
    .option("--from-key", "all keys from <key> on")
    .option("--keys-only", "without values")
    .option("--print-value-only", "without keys")
    .option("--limit <n>", "at most so many keys", parseCount)
    .option("--rev <n>", "as of an earlier revision", parseRevision)
    .option("--order <order>", "ASCEND or DESCEND")
    .option("--sort-by <what>", "CREATE, KEY, MODIFY, VALUE or VERSION")
    .option("--consistency <c>", "l (linearizable, the default) or s (serializable)");
}

/**
 * @param {readonly string[]} args
 * @param {GetOptions} options
 * @returns {Message}
 */
export function getRequest([key, end], options) {
  if (key === undefined)
    throw usageError("get command needs one argument as key and an optional argument as range_end");
  return {
    ...rangeOf(key, end, options),
    ...(options.limit ? { limit: String(options.limit) } : {}),
    ...(options.rev === undefined ? {} : { revision: options.rev }),
    ...(options.keysOnly ? { keys_only: true } : {}),
    ...(isSerializable(options.consistency ?? "l") ? { serializable: true } : {}),
    ...sortOf(options),
  };
}

/** @param {string} consistency */
function isSerializable(consistency) {
  if (consistency === "s" || consistency === "serializable") return true;
  if (consistency === "l" || consistency === "linearizable") return false;
  throw new CliError(`unknown consistency flag "${consistency}"; it must be l or s`, EXIT.feature);
}

/**
 * @param {GetOptions} options
 * @returns {Message}
 */
function sortOf(options) {
  const order = (options.order ?? "").toUpperCase();
  if (!["", "ASCEND", "DESCEND"].includes(order))
    throw new CliError(`bad sort order ${options.order}`, EXIT.feature);
  const wanted = (options.sortBy ?? "").toUpperCase();
  const target = SORT_TARGETS.get(wanted);
  if (wanted !== "" && target === undefined)
    throw new CliError(`bad sort target ${options.sortBy}`, EXIT.feature);
  if (order === "" && target === undefined) return {};
  return { sort_order: order === "" ? "ASCEND" : order, sort_target: target ?? "KEY" };
}

/** @typedef {import("../ranges.mjs").RangeOptions & { prevKv?: boolean, all?: boolean }} DelOptions */

export function delCommand() {
  return new Command("del")
    .argument("[key]")
    .argument("[range_end]")
    .description("delete a key, a range or all keys with a prefix")
    .usage("[options] <key> [range_end]")
    .option("--prefix", "all keys that start with <key>")
    .option("--from-key", "all keys from <key> on")
    .option("--prev-kv", "show what is deleted")
    .option("--all", 'lets an empty prefix ("") delete every key');
}

/**
 * @param {readonly string[]} args
 * @param {DelOptions} options
 * @returns {Message}
 */
export function delRequest([key, end], options) {
  if (key === undefined)
    throw usageError("del command needs one argument as key and an optional argument as range_end");
  if (key === "" && options.prefix && !options.all) {
    throw usageError("an empty prefix deletes every key; add --all if you mean it");
  }
  return { ...rangeOf(key, end, options), ...(options.prevKv ? { prev_kv: true } : {}) };
}

/**
 * @param {Command} program
 * @param {() => CommandContext} context
 */
export function addKeyCommands(program, context) {
  const add = (/** @type {Command} */ command) => {
    program.addCommand(command.copyInheritedSettings(program));
    return command;
  };
  add(putCommand()).action((key, value, options) => put(context(), [key, value], options));
  add(getCommand()).action((key, end, options) => get(context(), [key, end], options));
  add(delCommand()).action((key, end, options) => del(context(), [key, end], options));
  program
    .command("compaction [revision]")
    .description("forget what was before a revision")
    .option("--physical", "wait until the space is given back")
    .action((revision, options) => compact(context(), revision, options));
}

/**
 * @param {CommandContext} context
 * @param {readonly string[]} args
 * @param {PutOptions} options
 */
async function put(context, args, options) {
  supports(context, ["simple", "json", "fields"]);
  const { stdin } = context;
  const request = await putRequest(args, options, async () => {
    if ("isTTY" in stdin && stdin.isTTY === true) throw usageError(`${NEEDS_VALUE} (edged put KEY < FILE)`);
    return readAll(stdin);
  });
  show(context, putPrinters(context, await context.client.call("kv/put", request, { isWrite: true })));
}

/**
 * @param {CommandContext} context
 * @param {readonly string[]} args
 * @param {GetOptions} options
 */
async function get(context, args, options) {
  const valueOnly = options.printValueOnly === true;
  if (valueOnly && context.format !== "simple") {
    throw usageError("print-value-only is only for `--write-out=simple`");
  }
  if (valueOnly && options.keysOnly)
    throw usageError("--keys-only and --print-value-only leave nothing to print");
  supports(context, ["simple", "json", "fields"]);
  const request = getRequest(args, options);
  const isInOrder = request["sort_order"] === undefined && request["range_end"] !== undefined;
  if (context.format === "simple" && isInOrder) await getPages(context, request, options);
  else show(context, rangePrinters(context, await context.client.call("kv/range", request), valueOnly));
}

/**
 * Page by page at the revision of the first page, so that any number of keys fits into memory.
 * @param {CommandContext} context
 * @param {Message} request
 * @param {GetOptions} options
 */
async function getPages(context, request, options) {
  let left = options.limit || Number.POSITIVE_INFINITY;
  let page = { ...request };
  for (let more = true; more; ) {
    page = { ...page, limit: String(Math.min(left, PAGE_KEYS)) };
    const answer = await context.client.call("kv/range", page);
    const pairs = children(answer, "kvs");
    for (const pair of pairs) context.stdout.write(pairText(context, pair, options.printValueOnly === true));
    left -= pairs.length;
    more = flag(answer, "more") && left > 0;
    const last = pairs.at(-1);
    if (last === undefined) return;
    const revision = page["revision"] ?? text(child(answer, "header"), "revision");
    page = { ...page, revision, key: base64(Buffer.concat([bytes(last, "key"), Buffer.from([0])])) };
  }
}

/**
 * @param {CommandContext} context
 * @param {readonly string[]} args
 * @param {DelOptions} options
 */
async function del(context, args, options) {
  supports(context, ["simple", "json", "fields"]);
  const request = delRequest(args, options);
  show(
    context,
    deletePrinters(context, await context.client.call("kv/deleterange", request, { isWrite: true })),
  );
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} revision
 * @param {{ physical?: boolean }} options
 */
async function compact(context, revision, { physical }) {
  if (revision === undefined) throw usageError("compaction command needs 1 argument");
  if (!/^\d{1,19}$/.test(revision)) throw usageError(`bad revision "${revision}"`);
  await context.client.call(
    "kv/compaction",
    { revision, ...(physical ? { physical: true } : {}) },
    { isWrite: true },
  );
  context.stdout.write(`compacted revision ${revision}\n`);
}
