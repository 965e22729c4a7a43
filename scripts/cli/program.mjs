// @ts-check
/** The commands and options, and what becomes of errors. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { restore, saveSnapshot } from "./backup.mjs";
import { bridge } from "./bridge.mjs";
import { CliError, EXIT, usageError } from "./errors.mjs";
import { del, get, put } from "./keys.mjs";
import { connectionOf, parseConsistency, parseCount, parseDuration, parseFormat } from "./options.mjs";
import { status } from "./status.mjs";

/**
 * @typedef {object} Io
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.ReadableStream} stdin
 * @property {NodeJS.WritableStream} stdout
 * @property {NodeJS.WritableStream} stderr
 */

/**
 * @typedef {Io & { connection: import("./client.mjs").Connection, json: boolean, hex: boolean }} CommandContext
 */

const EXAMPLES = `
Examples:
  edged put name john             edged put page < index.html
  edged get name                  edged get / --prefix --keys-only
  edged del name                  edged status --json

EDGED_ENDPOINT and EDGED_TOKEN stand in for --endpoint and --token.
Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/**
 * Runs one command line and answers its exit code.
 * @param {readonly string[]} args without the program's own name
 * @param {Io} io
 * @returns {Promise<number>}
 */
export async function runCli(args, io) {
  // It has options of its own, and another Node perhaps.
  if (args[0] === "bridge") return bridge(args.slice(1));
  /** @type {{ exitCode: number }} */
  const result = { exitCode: EXIT.ok };
  const program = createProgram(io, result);
  try {
    await program.parseAsync([...args], { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander has already written its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliError)) throw error;
    io.stderr.write(`edged: ${error.message}\n`);
    return error.exitCode;
  }
}

/**
 * @param {Io} io
 * @param {{ exitCode: number }} result
 */
function createProgram(io, result) {
  const program = new Command("edged")
    .description("Talks to an edged cluster, with the verbs, flags and output of etcdctl.")
    .version(packageVersion(), "--version", "show the version")
    .option("--endpoint, --endpoints <urls>", "default http://127.0.0.1:8787")
    .option("--token <token>", "the deployment's API_TOKEN")
    .option("--cluster <name>", "another cluster than the default one")
    .option("--command-timeout <time>", "longest wait, default 15s", parseDuration)
    .option("-w, --write-out <format>", "simple or json", parseFormat)
    .option("--json", "the same as -w json")
    .option("--hex", "print keys and values as \\x61\\x62")
    .addHelpText("after", EXAMPLES)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "edged: ")),
    })
    .configureHelp({ showGlobalOptions: false })
    .helpCommand(false)
    .showHelpAfterError("(edged --help shows what is possible)")
    .exitOverride();
  const context = () => contextOf(program.opts(), io);
  addKeyCommands(program, context);
  program
    .command("status")
    .description("show the replicas; fails without a quorum")
    .action(async () => {
      result.exitCode = await status(context());
    });
  program
    .command("snapshot")
    .description("back a cluster up")
    .command("save <file>")
    .description("write a consistent backup into a file")
    .action((file) => saveSnapshot(context(), file));
  program
    .command("restore <file>")
    .description("load a backup into an empty cluster; repeat it if it was interrupted")
    .option("--bump-revision <n>", "add to the revision, and compact what is before", parseCount)
    .action((file, options) => restore(context(), file, options));
  program
    .command("bridge")
    .description("serve gRPC for etcdctl and etcd's clients; edged bridge --help")
    .action(() => {
      throw usageError("write its options behind it: edged bridge --endpoint URL");
    });
  return program;
}

/**
 * @param {Command} program
 * @param {() => CommandContext} context
 */
function addKeyCommands(program, context) {
  program
    .command("put <key> [value]")
    .description("write a key; a missing value is read from stdin")
    .action((key, value) => put(context(), key, value));
  program
    .command("get <key>")
    .description("read a key, or all keys with a prefix")
    .option("--prefix", "all keys that start with <key>")
    .option("--keys-only", "without values")
    .option("--print-value-only", "without keys")
    .option("--limit <n>", "at most so many keys of a prefix", parseCount)
    .option("--rev <n>", "as of an earlier revision", parseCount)
    .option("--consistency <c>", "l (linearizable, the default) or s (serializable)", parseConsistency)
    .action((key, options) => get(context(), key, options));
  program
    .command("del <key>")
    .description("delete a key, or all keys with a prefix")
    .option("--prefix", "all keys that start with <key>")
    .option("--all", 'lets an empty prefix ("") delete every key')
    .action((key, options) => del(context(), key, options));
}

/**
 * @param {import("./options.mjs").GlobalOptions} options
 * @param {Io} io
 * @returns {CommandContext}
 */
function contextOf(options, io) {
  return {
    ...io,
    connection: connectionOf(options, io.env),
    json: options.json === true || options.writeOut === "json",
    hex: options.hex === true,
  };
}

function packageVersion() {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
