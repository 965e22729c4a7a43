// @ts-check
/** `txn`: comparisons, requests for success, requests for failure, each part ended by an empty line. */
import { CommanderError } from "commander";
import { inputError } from "../errors.mjs";
import { base64 } from "../message.mjs";
import { goQuote, goUnquote } from "../print/go.mjs";
import { txnPrinters } from "../print/kv.mjs";
import { show, supports } from "../print/output.mjs";
import { LineReader } from "../prompt.mjs";
import { delCommand, delRequest, getCommand, getRequest, putCommand, putRequest } from "./kv.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

const RESULTS = new Map([
  ["=", "EQUAL"],
  ["!=", "NOT_EQUAL"],
  [">", "GREATER"],
  ["<", "LESS"],
]);
/** How each target is written, and the field of its value. */
const TARGETS = new Map([
  ["ver", { target: "VERSION", field: "version" }],
  ["version", { target: "VERSION", field: "version" }],
  ["c", { target: "CREATE", field: "create_revision" }],
  ["create", { target: "CREATE", field: "create_revision" }],
  ["m", { target: "MOD", field: "mod_revision" }],
  ["mod", { target: "MOD", field: "mod_revision" }],
  ["val", { target: "VALUE", field: "value" }],
  ["value", { target: "VALUE", field: "value" }],
  ["lease", { target: "LEASE", field: "lease" }],
]);
const HELP = `
Standard input has three parts, each ended by an empty line:
  mod("key1") > "0"            comparisons: mod, create, version, value, lease
  value("key1") = "old"        with = != < >

  put key1 "new value"         requests when all of them hold: put, get, del
  get key2 --prefix

  put key1 "created"           requests when one does not`;

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addTxnCommand(program, context) {
  program
    .command("txn")
    .description("compare and change, all at once, as told on stdin")
    .option("-i, --interactive", "ask for each part")
    .addHelpText("after", HELP)
    .action((options) => txn(context(), options));
}

/**
 * @param {CommandContext} context
 * @param {{ interactive?: boolean }} options
 */
async function txn(context, { interactive }) {
  supports(context, ["simple", "json", "fields"]);
  const lines = new LineReader(context.stdin);
  const request = await readTxn(context, lines, interactive === true).finally(() => lines.close());
  show(context, txnPrinters(context, await context.client.call("kv/txn", request, { isWrite: true })));
}

/**
 * @param {CommandContext} context
 * @param {LineReader} lines
 * @param {boolean} isInteractive
 * @returns {Promise<Message>}
 */
async function readTxn({ stdout }, lines, isInteractive) {
  const ask = (/** @type {string} */ prompt) => void (isInteractive && stdout.write(`${prompt}\n`));
  ask("compares:");
  const compare = await readPart(lines, parseCompare, false);
  ask("success requests (get, put, del):");
  const success = await readPart(lines, parseRequest, false);
  ask("failure requests (get, put, del):");
  const failure = await readPart(lines, parseRequest, true);
  return { compare, success, failure };
}

/**
 * @param {LineReader} lines
 * @param {(line: string) => Message | Promise<Message>} parse
 * @param {boolean} isLast the end of the input may end it
 */
async function readPart(lines, parse, isLast) {
  /** @type {Message[]} */
  const part = [];
  for (;;) {
    const line = await lines.next();
    if (line === null && !isLast)
      throw inputError("EOF: comparisons, success and failure end with an empty line each");
    if (line === null || line.trim() === "") return part;
    part.push(await parse(line.trim()));
  }
}

/**
 * @param {string} line
 * @returns {Message}
 */
export function parseCompare(line) {
  const open = line.indexOf("(");
  const key = open < 0 ? null : goUnquote(line.slice(open + 1));
  const operator = key === null ? null : /^\)\s*(\S+)\s+/.exec(key.rest);
  const operand = key === null || operator === null ? null : goUnquote(key.rest.slice(operator[0].length));
  if (key === null || operator === null || operand === null) {
    throw inputError(`malformed comparison: ${line} (write mod("key") > "0")`);
  }
  const target = TARGETS.get(line.slice(0, open));
  if (target === undefined) {
    throw inputError(`malformed comparison: ${line} (unknown target ${line.slice(0, open)})`);
  }
  const result = RESULTS.get(operator[1] ?? "");
  if (result === undefined)
    throw inputError(`malformed comparison: ${line} (unknown operator ${operator[1]})`);
  const value = operandOf(target.field, operand.value);
  if (value === null) throw inputError(`invalid txn compare request: ${line}`);
  return { target: target.target, result, key: base64(key.value), [target.field]: value };
}

/**
 * @param {string} field
 * @param {Buffer} operand
 */
function operandOf(field, operand) {
  if (field === "value") return base64(operand);
  const digits = operand.toString();
  if (field === "lease") return /^[0-9a-fA-F]{1,16}$/.test(digits) ? BigInt(`0x${digits}`).toString() : null;
  return /^-?\d{1,19}$/.test(digits) ? BigInt(digits).toString() : null;
}

/**
 * @param {string} line
 * @returns {Promise<Message>}
 */
async function parseRequest(line) {
  const [verb, ...args] = words(line);
  const commands = { get: getCommand, put: putCommand, del: delCommand };
  if (verb !== "get" && verb !== "put" && verb !== "del") throw inputError(`invalid txn request: ${line}`);
  const command = commands[verb]()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw inputError(`invalid txn request: ${line} (${error.message.replace(/^error: /, "")})`);
  }
  const options = command.opts();
  if (verb === "put") return { request_put: await putRequest(command.args, options, null) };
  if (verb === "del") return { request_delete_range: delRequest(command.args, { ...options, all: true }) };
  return { request_range: getRequest(command.args, options) };
}

/**
 * A line as etcdctl takes it apart: words, "Go strings" and 'plain strings'.
 * @param {string} line
 */
export function words(line) {
  const found = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*/g) ?? [];
  return found.map((word) => {
    if (word.startsWith("'")) return word.slice(1, -1);
    const quoted = word.startsWith('"') ? goUnquote(word) : null;
    if (word.startsWith('"') && quoted === null) throw inputError(`invalid txn request: ${goQuote(word)}`);
    return quoted === null ? word : quoted.value.toString();
  });
}
