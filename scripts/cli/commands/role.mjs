// @ts-check
/** `role`: what users may read and write. */
import { usageError } from "../errors.mjs";
import { bytes, children, text, texts } from "../message.mjs";
import { goQuote } from "../print/go.mjs";
import { fieldLines, headerFields, jsonLine, show, showDone, supports } from "../print/output.mjs";
import { PERMISSIONS, ROLE, ROLES, toGo } from "../print/schemas.mjs";
import { prefixEnd, rangeOf } from "../ranges.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */
/** @typedef {import("../ranges.mjs").RangeOptions} RangeOptions */

const OPEN_END = "\0";

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addRoleCommands(program, context) {
  const role = program.command("role").description("roles: add, delete, get, list, permissions");
  role
    .command("add [role]")
    .description("add a role")
    .action((name) => change(context(), "add", { name: named(name) }, `Role ${name} created`));
  role
    .command("delete [role]")
    .description("delete a role")
    .action((name) => change(context(), "delete", { role: named(name) }, `Role ${name} deleted`));
  role
    .command("get [role]")
    .description("show what a role permits")
    .action((name) => get(context(), named(name)));
  role
    .command("list")
    .description("show all roles")
    .action(() => list(context()));
  role
    .command("grant-permission [role] [type] [key] [endkey]")
    .usage("[options] <role> <read|write|readwrite> <key> [endkey]")
    .description("permit something on a key, a range or a prefix")
    .option("--prefix", "all keys that start with <key>")
    .option("--from-key", "all keys from <key> on")
    .action((name, type, key, end, options) => grant(context(), [name, type, key, end], options));
  role
    .command("revoke-permission [role] [key] [endkey]")
    .description("take a permission back")
    .option("--prefix", "all keys that start with <key>")
    .option("--from-key", "all keys from <key> on")
    .action((name, key, end, options) => revoke(context(), [name, key, end], options));
}

/**
 * @param {string | undefined} name
 * @returns {string}
 */
function named(name) {
  if (name === undefined || name === "") throw usageError("the role's name is missing");
  return name;
}

/**
 * @param {CommandContext} context
 * @param {string} what
 * @param {Message} request
 * @param {string} line
 */
async function change(context, what, request, line) {
  supports(context, ["simple", "json", "fields"]);
  showDone(context, await context.client.call(`auth/role/${what}`, request, { isWrite: true }), line);
}

/**
 * @param {CommandContext} context
 * @param {readonly (string | undefined)[]} args
 * @param {RangeOptions} options
 */
async function grant(context, [name, type, key, end], options) {
  if (type === undefined || key === undefined) {
    throw usageError(
      "role grant-permission command requires role name, permission type, and key [endkey] as its argument",
    );
  }
  const permType = PERMISSIONS.find((permission) => permission === type.toUpperCase());
  if (permType === undefined) throw usageError(`invalid permission type: ${type}`);
  const perm = { permType, ...rangeOf(key, end, options) };
  await change(context, "grant", { name: named(name), perm }, `Role ${name} updated`);
}

/**
 * @param {CommandContext} context
 * @param {readonly (string | undefined)[]} args
 * @param {RangeOptions} options
 */
async function revoke(context, [name, key, end], options) {
  if (key === undefined) {
    throw usageError("role revoke-permission command requires role name and key [endkey] as its argument");
  }
  const range = rangeOf(key, end, options);
  const last = range.range_end === undefined ? null : Buffer.from(range.range_end, "base64").toString();
  const what = last === null ? `key ${key}` : `range ${rangeText(key, last)}`;
  await change(
    context,
    "revoke",
    { role: named(name), ...range },
    `Permission of ${what} is revoked from role ${name}`,
  );
}

/**
 * @param {string} key
 * @param {string} end
 */
function rangeText(key, end) {
  return end === OPEN_END ? `[${key}, <open ended>` : `[${key}, ${end})`;
}

/**
 * @param {CommandContext} context
 * @param {string} name
 */
async function get(context, name) {
  supports(context, ["simple", "json", "fields"]);
  const answer = await context.client.call("auth/role/get", { role: name });
  show(context, {
    simple: () => roleText(name, answer),
    json: () => jsonLine(toGo(ROLE, answer)),
    fields: () =>
      headerFields(answer) +
      children(answer, "perm")
        .map((permission) =>
          fieldLines([
            ["PermType", ` ${typeOf(permission)}`],
            ["Key", goQuote(bytes(permission, "key"))],
            ["RangeEnd", goQuote(bytes(permission, "range_end"))],
          ]),
        )
        .join(""),
  });
}

/** @param {Message} permission */
function typeOf(permission) {
  return text(permission, "permType") || PERMISSIONS[0];
}

/**
 * @param {string} name
 * @param {Message} answer
 */
export function roleText(name, answer) {
  const permissions = children(answer, "perm");
  /** @param {"READ" | "WRITE"} type */
  const lines = (type) =>
    permissions
      .filter((permission) => typeOf(permission) === type || typeOf(permission) === "READWRITE")
      .map((permission) => `\t${permissionText(permission)}\n`)
      .join("");
  return `Role ${name}\nKV Read:\n${lines("READ")}KV Write:\n${lines("WRITE")}`;
}

/** @param {Message} permission */
function permissionText(permission) {
  const key = bytes(permission, "key");
  const end = bytes(permission, "range_end");
  if (end.length === 0) return key.toString();
  const isPrefix = end.toString() !== OPEN_END && end.equals(prefixEnd(key));
  return `${rangeText(key.toString(), end.toString())}${isPrefix ? ` (prefix ${key})` : ""}`;
}

/** @param {CommandContext} context */
async function list(context) {
  supports(context, ["simple", "json", "fields"]);
  const answer = await context.client.call("auth/role/list", {});
  const roles = texts(answer, "roles");
  show(context, {
    simple: () => roles.map((role) => `${role}\n`).join(""),
    json: () => jsonLine(toGo(ROLES, answer)),
    fields: () => `${headerFields(answer)}"Roles" : ${roles.map((role) => goQuote(role)).join(" ")}\n`,
  });
}
