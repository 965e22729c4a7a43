// @ts-check
/** `auth` and `user`. */
import { CliError, usageError } from "../errors.mjs";
import { flag, int, texts } from "../message.mjs";
import { fieldLines, headerFields, jsonLine, show, showDone, supports } from "../print/output.mjs";
import { toGo, USER, USERS } from "../print/schemas.mjs";
import { askPassword } from "../prompt.mjs";
import { roleText } from "./role.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */

const NO_ROOT_ROLE = "etcdserver: root user does not have root role";

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addAuthCommands(program, context) {
  const auth = program.command("auth").description("enable and disable authentication");
  auth
    .command("enable")
    .description("from now on, everybody signs in")
    .action(() => enable(context()));
  auth
    .command("disable")
    .description("nobody needs to sign in")
    .action(async () => {
      const current = context();
      await current.client.call("auth/disable", {}, { isWrite: true });
      current.stdout.write("Authentication Disabled\n");
    });
  auth
    .command("status")
    .description("whether it is enabled")
    .action(() => status(context()));
  addUserCommands(program, context);
}

/**
 * As etcdctl: the role that root needs is made on the way.
 * @param {CommandContext} context
 */
async function enable({ client, stdout }) {
  const write = { isWrite: true };
  try {
    await client.call("auth/enable", {}, write);
  } catch (error) {
    if (!(error instanceof CliError) || error.message !== NO_ROOT_ROLE) throw error;
    await client.call("auth/role/add", { name: "root" }, write).catch((reason) => {
      if (!(reason instanceof CliError) || reason.message !== "etcdserver: role name already exists")
        throw reason;
    });
    await client.call("auth/user/grant", { user: "root", role: "root" }, write);
    await client.call("auth/enable", {}, write);
  }
  stdout.write("Authentication Enabled\n");
}

/** @param {CommandContext} context */
async function status(context) {
  supports(context, ["simple", "json", "fields"]);
  const answer = await context.client.rpc("Auth/AuthStatus", {});
  const isEnabled = flag(answer, "enabled");
  const revision = int(answer, "auth_revision");
  show(context, {
    simple: () => `Authentication Status: ${isEnabled}\nAuthRevision: ${revision}\n`,
    json: () =>
      jsonLine({ ...toGo(USER, answer), ...(isEnabled ? { enabled: true } : {}), authRevision: revision }),
    fields: () =>
      headerFields(answer) +
      fieldLines([
        ["Enabled", isEnabled],
        ["AuthRevision", revision],
      ]),
  });
}

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
function addUserCommands(program, context) {
  const user = program.command("user").description("users: add, delete, get, list, passwd, roles");
  user
    .command("add [name]")
    .usage("[options] <name> or <name:password>")
    .description("add a user")
    .option("--new-user-password <password>", "instead of asking for it")
    .option("--no-password", "a user who cannot sign in with one")
    .option("--no-interactive", "(or --interactive=false) the password is one line of stdin")
    .action((name, options) => add(context(), name, options));
  user
    .command("delete [name]")
    .description("delete a user")
    .action((name) => change(context(), "delete", { name: named(name) }, `User ${name} deleted`));
  user
    .command("get [name]")
    .description("show a user's roles")
    .option("--detail", "and what they permit")
    .action((name, options) => get(context(), named(name), options.detail === true));
  user
    .command("list")
    .description("show all users")
    .action(() => list(context()));
  user
    .command("passwd [name]")
    .description("change a password")
    .option("--no-interactive", "(or --interactive=false) the password is one line of stdin")
    .action(async (name, options) => {
      const current = context();
      supports(current, ["simple", "json", "fields"]);
      const password = await newPassword(current, named(name), options.interactive);
      await change(current, "changepw", { name, password }, "Password updated");
    });
  user
    .command("grant-role [name] [role]")
    .description("give a user a role")
    .action((name, role) => {
      const request = { user: named(name), role: named(role, "role") };
      return change(context(), "grant", request, `Role ${role} is granted to user ${name}`);
    });
  user
    .command("revoke-role [name] [role]")
    .description("take a role from a user")
    .action((name, role) => {
      const request = { name: named(name), role: named(role, "role") };
      return change(context(), "revoke", request, `Role ${role} is revoked from user ${name}`);
    });
}

/**
 * @param {string | undefined} name
 * @param {string} [what]
 * @returns {string}
 */
function named(name, what = "user") {
  if (name === undefined || name === "") throw usageError(`the ${what}'s name is missing`);
  return name;
}

/**
 * @param {CommandContext} context
 * @param {string} what
 * @param {import("../message.mjs").Message} request
 * @param {string} line
 */
async function change(context, what, request, line) {
  supports(context, ["simple", "json", "fields"]);
  showDone(context, await context.client.call(`auth/user/${what}`, request, { isWrite: true }), line);
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} given
 * @param {{ newUserPassword?: string, password: boolean, interactive: boolean }} options
 */
async function add(context, given, { newUserPassword, password: hasPassword, interactive }) {
  const colon = named(given).indexOf(":");
  const isSplit = colon >= 0 && newUserPassword === undefined && hasPassword;
  const name = isSplit ? named(given).slice(0, colon) : named(given);
  named(name);
  supports(context, ["simple", "json", "fields"]);
  if (!hasPassword) {
    return change(context, "add", { name, options: { no_password: true } }, `User ${name} created`);
  }
  const known = newUserPassword ?? (isSplit ? named(given).slice(colon + 1) : null);
  const password = known ?? (await newPassword(context, name, interactive));
  return change(context, "add", { name, password }, `User ${name} created`);
}

/**
 * @param {CommandContext} context
 * @param {string} name
 * @param {boolean} isInteractive
 */
async function newPassword(context, name, isInteractive) {
  const { stdin } = context;
  const isTerminal = "isTTY" in stdin && stdin.isTTY === true;
  const password = await askPassword(context, `Password of ${name}: `);
  if (!isInteractive || !isTerminal) return password;
  const again = await askPassword(context, `Type password of ${name} again for confirmation: `);
  if (again !== password) throw usageError("given passwords are different");
  return password;
}

/**
 * @param {CommandContext} context
 * @param {string} name
 * @param {boolean} withDetail
 */
async function get(context, name, withDetail) {
  supports(context, ["simple", "json"]);
  const answer = await context.client.call("auth/user/get", { name });
  const roles = texts(answer, "roles");
  if (context.format === "simple" && withDetail) {
    context.stdout.write(`User: ${name}\n`);
    for (const role of roles) {
      context.stdout.write(`\n${roleText(role, await context.client.call("auth/role/get", { role }))}`);
    }
    return;
  }
  show(context, {
    simple: () => `User: ${name}\nRoles:${roles.map((role) => ` ${role}`).join("")}\n`,
    json: () => jsonLine(toGo(USER, answer)),
  });
}

/** @param {CommandContext} context */
async function list(context) {
  supports(context, ["simple", "json"]);
  const answer = await context.client.call("auth/user/list", {});
  show(context, {
    simple: () =>
      texts(answer, "users")
        .map((name) => `${name}\n`)
        .join(""),
    json: () => jsonLine(toGo(USERS, answer)),
  });
}
