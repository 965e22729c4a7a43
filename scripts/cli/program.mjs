// @ts-check
/** The commands and options, and what becomes of errors. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { restore, saveSnapshot } from "./backup.mjs";
import { bridge } from "./bridge.mjs";
import { CHECKOUT_COMMANDS, runFromCheckout } from "./checkout.mjs";
import { addAuthCommands } from "./commands/auth.mjs";
import { addCheckCommand } from "./commands/check.mjs";
import { addEndpointCommands } from "./commands/endpoint.mjs";
import { addKeyCommands } from "./commands/kv.mjs";
import { addLeaseCommands } from "./commands/lease.mjs";
import { addLockCommands } from "./commands/lock.mjs";
import { addMaintenanceCommands } from "./commands/maintenance.mjs";
import { addMemberCommands } from "./commands/member.mjs";
import { addMirrorCommand } from "./commands/mirror.mjs";
import { addRoleCommands } from "./commands/role.mjs";
import { addTxnCommand } from "./commands/txn.mjs";
import { addWatchCommand } from "./commands/watch.mjs";
import { completion, SHELLS } from "./completion.mjs";
import { contextOf } from "./context.mjs";
import { convertSnapshot } from "./convert.mjs";
import { CliError, EXIT, usageError } from "./errors.mjs";
import { parseCount, parseDuration, parseFormat } from "./options.mjs";
import { snapshotStatus } from "./snapshot-status.mjs";
import { status } from "./status.mjs";

/** @typedef {import("./context.mjs").CommandContext} CommandContext */

/**
 * @typedef {object} Io
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.ReadableStream} stdin
 * @property {NodeJS.WritableStream} stdout
 * @property {NodeJS.WritableStream} stderr
 * @property {AbortSignal} [interrupt] the same as ctrl-C
 */

const HELP = `Talks to an edged cluster, with the verbs, flags and output of etcdctl.
Usage: edged [options] <command>, edged <command> --help

  put get del txn compaction     keys           edged put name john
  watch                          events         edged get / --prefix
  lease lock elect               who may        edged lock job -- ./job.sh
  user role auth                 users          edged user add alice
  member endpoint status         replicas       edged endpoint health
  alarm defrag move-leader       care           edged snapshot save FILE
  snapshot restore make-mirror   backups        edged restore FILE
  check perf                     speed          edged check perf --load=m
  bridge                         gRPC on port 2379, for etcd's clients
  dev cluster bench              from a checkout: a cluster on this machine
  completion version             edged completion bash|zsh|fish

  --endpoints <urls>       default http://127.0.0.1:8787; others if one is down
  --token <token>          the deployment's API_TOKEN
  --user <name[:password]> who you are; asks for the password (or --password)
  --cluster <name>         another cluster than the default one
  -w, --write-out <format> simple, json, fields, table; --json
  --hex                    print keys and values as \\x61\\x62
  --command-timeout <time> longest wait, default 15s
  --config <file>          also --cacert --cert --key --insecure-skip-tls-verify
  --version, --help

Flags come before EDGED_ENDPOINT, EDGED_TOKEN, EDGED_USER... in the environment,
and those before ~/.config/edged/config.json: {"endpoints": "...", ...}
Exit codes: 0 done, 1 failed, 2 nobody answers, 128 wrong usage.
`;

/**
 * Runs one command line and answers its exit code.
 * @param {readonly string[]} args without the program's own name
 * @param {Io} io
 * @returns {Promise<number>}
 */
export async function runCli(args, io) {
  const [name, ...own] = args;
  /** @type {{ exitCode: number }} */
  const result = { exitCode: EXIT.ok };
  try {
    // They have options of their own, and another Node perhaps.
    if (name === "bridge") return await bridge(own);
    if (isFromCheckout(name)) return await runFromCheckout(name, own);
    const dashes = args.indexOf("--");
    const program = createProgram(io, dashes < 0 ? null : args.slice(dashes + 1), result);
    const plain = withoutGoBooleans(program, withoutDoubleMeaning(args));
    await program.parseAsync(plain, { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander has already written its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof InvalidArgumentError) return told(io, usageError(error.message));
    if (!(error instanceof CliError)) throw error;
    return told(io, error);
  }
}

/**
 * @param {Io} io
 * @param {CliError} error
 */
function told({ stderr }, { message, hint, exitCode }) {
  stderr.write(`Error: ${message}\n${hint === null ? "" : `(${hint})\n`}`);
  return exitCode;
}

/**
 * @param {string | undefined} name
 * @returns {name is import("./checkout.mjs").CheckoutCommand}
 */
function isFromCheckout(name) {
  return name !== undefined && Object.hasOwn(CHECKOUT_COMMANDS, name);
}

/**
 * `--prefix=true` and `--interactive=false`, as Go's programs take them.
 * @param {Command} program
 * @param {readonly string[]} args
 */
function withoutGoBooleans(program, args) {
  const booleans = new Set(booleanFlags(program));
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const plain = own.flatMap((arg) => {
    const match = /^--([a-z-]+)=(true|false)$/.exec(arg);
    const name = match?.[1] ?? "";
    if (match === null || !(booleans.has(`--${name}`) || booleans.has(`--no-${name}`))) return [arg];
    if (match[2] === "true") return booleans.has(`--${name}`) ? [`--${name}`] : [];
    return booleans.has(`--no-${name}`) ? [`--no-${name}`] : [];
  });
  return end < 0 ? plain : [...plain, ...args.slice(end)];
}

/**
 * etcdctl's `endpoint --cluster` and `defrag --cluster` name no cluster; before those verbs, or with
 * `=`, it is the flag of all commands.
 * @param {readonly string[]} args
 */
function withoutDoubleMeaning(args) {
  const verb = args.findIndex((arg) => arg === "endpoint" || arg === "defrag");
  return args.map((arg, at) => (verb >= 0 && at > verb && arg === "--cluster" ? "--all-members" : arg));
}

/**
 * @param {Command} command
 * @returns {string[]}
 */
function booleanFlags(command) {
  const own = command.options.filter((option) => option.isBoolean()).map(({ long }) => long ?? "");
  return [...own, ...command.commands.flatMap(booleanFlags)];
}

/**
 * @param {Io} io
 * @param {readonly string[] | null} rest
 * @param {{ exitCode: number }} result
 */
function createProgram(io, rest, result) {
  const program = createRoot(io);
  const context = () => contextOf(program.opts(), io, rest);
  addKeyCommands(program, context);
  addTxnCommand(program, context);
  addWatchCommand(program, context);
  addLeaseCommands(program, context);
  addLockCommands(program, context);
  addMemberCommands(program, context);
  addEndpointCommands(program, context);
  addMaintenanceCommands(program, context);
  addAuthCommands(program, context);
  addRoleCommands(program, context);
  addBackupCommands(program, context);
  addMirrorCommand(program, context);
  addCheckCommand(program, context);
  program
    .command("status")
    .description("show the replicas; fails without a quorum")
    .action(async () => {
      result.exitCode = await status(context());
    });
  addLocalCommands(program, io);
  return program;
}

/** @param {Io} io */
function createRoot(io) {
  return new Command("edged")
    .version(packageVersion(), "--version", "show the version")
    .option("--endpoint, --endpoints <urls>", "gateways, tried in turn")
    .option("--token <token>", "the deployment's API_TOKEN")
    .option("--user <name[:password]>", "who you are")
    .option("--password <password>", "instead of asking for it")
    .option("--cluster <name>", "another cluster than the default one")
    .option("-w, --write-out <format>", "simple, json, fields or table", parseFormat)
    .option("--json", "the same as -w json")
    .option("--hex", "print keys and values as \\x61\\x62")
    .option("--timeout, --command-timeout <time>", "longest wait", parseDuration)
    .option("--config <file>", "settings, as JSON")
    .option("--cacert <file>", "authority of the gateway's certificate")
    .option("--cert <file>", "certificate of this client")
    .option("--key <file>", "and its key")
    .option("--insecure-skip-tls-verify", "take any certificate")
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "Error: ")),
    })
    .configureHelp({
      showGlobalOptions: false,
      formatHelp: (command, helper) =>
        command.parent === null ? HELP : Command.prototype.createHelp().formatHelp(command, helper),
    })
    .helpCommand(false)
    .showHelpAfterError("(--help shows what is possible)")
    .exitOverride();
}

/**
 * @param {Command} program
 * @param {() => CommandContext} context
 */
function addBackupCommands(program, context) {
  const snapshot = program.command("snapshot").description("back a cluster up");
  snapshot
    .command("save <file>")
    .description("write a consistent backup into a file")
    .action((file) => saveSnapshot(context(), file));
  snapshot
    .command("status <file>")
    .description("show what is in a backup, or in a snapshot of etcd")
    .action((file) => snapshotStatus(context(), file));
  snapshot
    .command("convert <from> <to>")
    .description("a backup of edged into a snapshot of etcd, or the other way")
    .action(async (from, to) => {
      const form = await convertSnapshot(from, to);
      context().stdout.write(`${to} is ${form === "etcd" ? "a snapshot of etcd" : "a backup of edged"}\n`);
    });
  program
    .command("restore <file>")
    .description(
      "load a backup, or a snapshot of etcd, into an empty cluster; repeat it if it was interrupted",
    )
    .option("--bump-revision <n>", "add to the revision, and compact what is before", parseCount)
    .action((file, options) => restore(context(), file, options));
}

/**
 * What needs no cluster that runs already.
 * @param {Command} program
 * @param {Io} io
 */
function addLocalCommands(program, io) {
  program
    .command("bridge")
    .description("serve gRPC for etcdctl and etcd's clients; edged bridge --help")
    .action(() => {
      throw usageError("write its options behind it: edged bridge --endpoint URL");
    });
  for (const [name, { description }] of Object.entries(CHECKOUT_COMMANDS)) {
    program
      .command(name)
      .description(description)
      .action(() => {
        throw usageError(`write its options behind it: edged ${name} --help`);
      });
  }
  program
    .command("completion [shell]")
    .description("completion for bash, zsh or fish")
    .addHelpText("after", "\n  source <(edged completion bash)")
    .action((name) => {
      const shell = SHELLS.find((known) => known === name);
      if (shell === undefined) throw usageError(`which shell? There are ${SHELLS.join(", ")}`);
      io.stdout.write(completion(program, shell));
    });
  program
    .command("version")
    .description("show the version")
    .action(() => void io.stdout.write(`edged version: ${packageVersion()}\nAPI version: 3.4\n`));
}

function packageVersion() {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
