// @ts-check
/** `lock` and `elect`: held until the command ends, ctrl-C, or the end of the session. */
import { runCommand } from "../command-runner.mjs";
import { CliError, EXIT, usageError } from "../errors.mjs";
import { untilInterrupted } from "../interrupt.mjs";
import { base64, child, int, text } from "../message.mjs";
import { parseCount } from "../options.mjs";
import { rangePrinters } from "../print/kv.mjs";
import { show, supports } from "../print/output.mjs";
import { withLease } from "../session.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

const DEFAULT_TTL_SECONDS = 10;
const ELECTION_TTL_SECONDS = 60;

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addLockCommands(program, context) {
  program
    .command("lock")
    .argument("[name]")
    .argument("[command...]")
    .usage("[options] <name> [-- command...]")
    .description("hold a lock, until ctrl-C or while a command runs")
    .option("--ttl <seconds>", "the lock outlives this program by so much", parseCount, DEFAULT_TTL_SECONDS)
    .addHelpText("after", "\nThe command finds ETCD_LOCK_KEY and ETCD_LOCK_REV in its environment.")
    .action((name, command, options) => lock(context(), name, command, options.ttl));
  program
    .command("elect")
    .argument("[name]")
    .argument("[proposal]")
    .usage("[options] <name> [proposal]")
    .description("be elected until ctrl-C, or see who is")
    .option("-l, --listen", "only print who is elected")
    .action((name, proposal, options) => elect(context(), name, proposal, options.listen === true));
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} name
 * @param {readonly string[]} command
 * @param {number} ttlSeconds
 */
async function lock(context, name, command, ttlSeconds) {
  if (name === undefined)
    throw usageError("lock takes a lock name argument and an optional command to execute");
  supports(context, ["simple", "json", "fields"]);
  await hold(context, ttlSeconds, async (lease, signal) => {
    const options = { timeoutMs: null, signal };
    const answer = await context.client.call("lock/lock", { name: base64(name), lease }, options);
    const key = text(answer, "key");
    if (command.length === 0) {
      await showHeld(context, key);
      return forever(signal);
    }
    const variables = {
      ETCD_LOCK_KEY: Buffer.from(key, "base64").toString(),
      ETCD_LOCK_REV: int(child(answer, "header"), "revision").toString(),
    };
    const failure = await runCommand(context, command, variables, signal);
    if (signal.aborted) throw new CliError("interrupted", EXIT.interrupted);
    if (failure !== null) throw new CliError(failure);
  });
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} name
 * @param {string | undefined} proposal
 * @param {boolean} isListening
 */
async function elect(context, name, proposal, isListening) {
  if (name === undefined)
    throw usageError("elect takes one election name argument and an optional proposal argument");
  if (proposal === undefined && !isListening) throw usageError("no proposal argument but -l not set");
  if (proposal !== undefined && isListening) throw usageError("an observer (-l) has no proposal");
  supports(context, ["simple", "json", "fields"]);
  if (isListening) {
    await untilInterrupted(context, (signal) => observe(context, name, signal));
    return;
  }
  await hold(context, ELECTION_TTL_SECONDS, async (lease, signal) => {
    const request = { name: base64(name), lease, value: base64(proposal ?? "") };
    const answer = await context.client.call("election/campaign", request, { timeoutMs: null, signal });
    await showHeld(context, text(child(answer, "leader"), "key"));
    return forever(signal);
  });
}

/**
 * @param {CommandContext} context
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function observe(context, name, signal) {
  try {
    for await (const answer of context.client.stream(
      "election/observe",
      { name: base64(name) },
      { signal },
    )) {
      const range = { header: child(answer, "header"), kvs: [child(answer, "kv")] };
      show(context, rangePrinters(context, range));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * @param {CommandContext} context
 * @param {number} ttlSeconds
 * @param {(lease: string, signal: AbortSignal) => Promise<void>} run
 */
async function hold(context, ttlSeconds, run) {
  await untilInterrupted(context, async (outer) => {
    try {
      await withLease(context.client, ttlSeconds, outer, run);
    } catch (error) {
      // Whoever was told to stop has done so.
      const isInterrupted = error instanceof CliError && error.exitCode === EXIT.interrupted;
      if (!(outer.aborted && isInterrupted)) throw error;
    }
  });
}

/**
 * @param {CommandContext} context
 * @param {string} key in base64
 */
async function showHeld(context, key) {
  show(context, rangePrinters(context, await context.client.call("kv/range", { key })));
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejects when it is aborted
 */
function forever(signal) {
  return new Promise((_resolve, reject) => {
    const end = () => reject(new CliError("interrupted", EXIT.interrupted));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
