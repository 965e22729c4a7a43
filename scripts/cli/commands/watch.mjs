// @ts-check
/** `watch`: events as they arrive, over as many connections as it takes. */
import { GRPC } from "../client.mjs";
import { runCommand } from "../command-runner.mjs";
import { CliError, EXIT, errorText, usageError } from "../errors.mjs";
import { pause, untilInterrupted } from "../interrupt.mjs";
import { bytes, child, children, flag, int, text } from "../message.mjs";
import { parseRevision } from "../options.mjs";
import { goQuote } from "../print/go.mjs";
import { pairFields, pairText } from "../print/kv.mjs";
import { headerFields, jsonLine, show, supports } from "../print/output.mjs";
import { EVENT, HEADER, toGo } from "../print/schemas.mjs";
import { LineReader } from "../prompt.mjs";
import { rangeOf } from "../ranges.mjs";
import { words } from "./txn.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

/**
 * @typedef {object} WatchOptions
 * @property {boolean} [prefix]
 * @property {boolean} [prevKv]
 * @property {string} [rev]
 * @property {string} [exec]
 * @property {boolean} [interactive]
 */

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const HELP = `
The command behind -- (or the shell's line of --exec) runs for each event, with
ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and ETCD_WATCH_VALUE
in its environment:
  edged watch name -- sh -c 'echo now $ETCD_WATCH_VALUE'`;

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addWatchCommand(program, context) {
  program
    .command("watch")
    .argument("[key]")
    .argument("[rest...]")
    .usage("[options] <key> [range_end] [-- command...]")
    .description("print events as they happen, or run a command for each")
    .option("--prefix", "all keys that start with <key>")
    .option("--rev <n>", "from that revision on", parseRevision)
    .option("--prev-kv", "also what was there before")
    .option("--exec <line>", "a line for the shell, run for each event")
    .option("-i, --interactive", "take watch commands from stdin")
    .addHelpText("after", HELP)
    .action((key, rest, options) =>
      watch(context(), [...(key === undefined ? [] : [key]), ...rest], options),
    );
}

/**
 * @param {CommandContext} context
 * @param {readonly string[]} args
 * @param {WatchOptions} options
 */
async function watch(context, args, options) {
  supports(context, ["simple", "json", "fields"]);
  await untilInterrupted(context, (signal) =>
    options.interactive ? watchLines(context, signal) : watchOne(context, args, options, signal),
  );
}

/**
 * @param {CommandContext} context
 * @param {AbortSignal} signal
 */
async function watchLines(context, signal) {
  const lines = new LineReader(context.stdin);
  const stop = () => lines.close();
  signal.addEventListener("abort", stop, { once: true });
  /** @type {Promise<void>[]} */
  const watches = [];
  for (let line = await lines.next(); line !== null && !signal.aborted; line = await lines.next()) {
    const [verb, ...args] = words(line);
    if (verb !== "watch") {
      context.stderr.write(`Invalid command ${line} (only support watch)\n`);
      continue;
    }
    const { all, rest, options } = parseWatchLine(args);
    const watch = watchOne({ ...context, rest }, all, options, signal);
    // Told at once, and by the exit code at the end.
    watch.catch((error) => void context.stderr.write(`Error: ${errorText(error)}\n`));
    watches.push(watch);
  }
  signal.removeEventListener("abort", stop);
  await Promise.all(watches);
}

/** @param {readonly string[]} args */
function parseWatchLine(args) {
  const dashes = args.indexOf("--");
  const rest = dashes < 0 ? null : args.slice(dashes + 1);
  const given = dashes < 0 ? args : args.slice(0, dashes);
  const keys = given.filter((word) => !word.startsWith("--"));
  const rev = given.find((word) => word.startsWith("--rev="))?.slice("--rev=".length);
  const options = {
    prefix: given.includes("--prefix"),
    prevKv: given.includes("--prev-kv"),
    ...(rev === undefined ? {} : { rev: parseRevision(rev) }),
  };
  return { all: [...keys, ...(rest ?? [])], rest, options };
}

/**
 * @param {CommandContext} context
 * @param {readonly string[]} args what stands behind -- is at their end
 * @param {WatchOptions} options
 * @param {AbortSignal} signal
 */
async function watchOne(context, args, options, signal) {
  const { env, rest } = context;
  const given = args.slice(0, args.length - (rest?.length ?? 0));
  const [key = env["ETCDCTL_WATCH_KEY"], end = env["ETCDCTL_WATCH_RANGE_END"], tooMany] = given;
  if (key === undefined) throw usageError("watch takes a key, and perhaps the end of a range");
  if (tooMany !== undefined)
    throw usageError("watch takes a key and one end of a range; a command stands behind --");
  const shell = options.exec === undefined ? null : ["sh", "-c", options.exec];
  const command = rest !== null && rest.length > 0 ? rest : shell;
  // In etcd a range with an empty key is everything.
  const range = rangeOf(key, end, options.prefix ? { prefix: true } : {});
  const create = { ...range, ...(options.prevKv ? { prev_kv: true } : {}) };
  for await (const answer of answersOf(context, create, options.rev ?? "0", signal)) {
    printAnswer(context, answer, options.prevKv === true);
    if (command !== null) await runForEach(context, answer, command, signal);
  }
}

/**
 * The answers that tell something, each once. A connection that breaks is made anew behind the last
 * event.
 * @param {CommandContext} context
 * @param {Message} create
 * @param {string} from
 * @param {AbortSignal} signal
 */
export async function* answersOf(context, create, from, signal) {
  let next = BigInt(from);
  let pauseMs = FIRST_PAUSE_MS;
  let wasThere = false;
  while (!signal.aborted) {
    try {
      const request = { create_request: { ...create, start_revision: next.toString() } };
      for await (const answer of context.client.stream("watch", request, { signal })) {
        if (flag(answer, "canceled")) throw canceled(context, answer);
        wasThere = true;
        pauseMs = FIRST_PAUSE_MS;
        const revision = int(child(answer, "header"), "revision");
        if (flag(answer, "created") && next === 0n) next = revision + 1n;
        const events = children(answer, "events");
        if (events.length === 0) continue;
        next = int(child(events.at(-1) ?? {}, "kv"), "mod_revision") + 1n;
        yield answer;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!wasThere || !isPassing(error)) throw error;
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** @param {unknown} error */
function isPassing(error) {
  return (
    error instanceof CliError && (error.exitCode === EXIT.connection || error.grpcCode === GRPC.unavailable)
  );
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 */
function canceled(context, answer) {
  const compacted = int(answer, "compact_revision");
  const reason =
    compacted > 0n ? "etcdserver: mvcc: required revision has been compacted" : text(answer, "cancel_reason");
  context.stderr.write(`watch was canceled (${reason || "no reason was given"})\n`);
  if (context.format === "json") printAnswer(context, answer, false);
  return new CliError("watch is canceled by the server", EXIT.interrupted, {
    ...(compacted > 0n ? { hint: `the oldest revision that can be watched is ${compacted + 1n}` } : {}),
  });
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 * @param {boolean} withPrevious
 */
function printAnswer(context, answer, withPrevious) {
  const events = children(answer, "events");
  show(context, {
    simple: () => Buffer.concat(events.map((event) => eventText(context, event, withPrevious))),
    json: () =>
      jsonLine({
        Header: toGo(HEADER, child(answer, "header")),
        Events: events.map((event) => toGo(EVENT, event)),
        CompactRevision: int(answer, "compact_revision"),
        Canceled: flag(answer, "canceled"),
        Created: flag(answer, "created"),
      }),
    fields: () =>
      headerFields(answer) +
      events
        .map((event) => {
          const previous = event["prev_kv"] === undefined ? "" : pairFields("Prev", child(event, "prev_kv"));
          return `"Type" : ${typeOf(event)}\n${previous}${pairFields("", child(event, "kv"))}`;
        })
        .join(""),
  });
}

/**
 * @param {CommandContext} context
 * @param {Message} event
 * @param {boolean} withPrevious
 */
function eventText(context, event, withPrevious) {
  const hasPrevious = withPrevious && event["prev_kv"] !== undefined;
  return Buffer.concat([
    Buffer.from(`${typeOf(event)}\n`),
    ...(hasPrevious ? [pairText(context, child(event, "prev_kv"))] : []),
    pairText(context, child(event, "kv")),
  ]);
}

/** @param {Message} event */
function typeOf(event) {
  return text(event, "type") || "PUT";
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 * @param {readonly string[]} command
 * @param {AbortSignal} signal
 */
async function runForEach(context, answer, command, signal) {
  for (const event of children(answer, "events")) {
    const pair = child(event, "kv");
    const variables = {
      ETCD_WATCH_REVISION: int(child(answer, "header"), "revision").toString(),
      ETCD_WATCH_EVENT_TYPE: `"${typeOf(event)}"`,
      ETCD_WATCH_KEY: goQuote(bytes(pair, "key")),
      ETCD_WATCH_VALUE: goQuote(bytes(pair, "value")),
    };
    const failure = await runCommand(context, command, variables, signal);
    if (signal.aborted) return;
    const quoted = `[${command.map((word) => goQuote(word)).join(" ")}]`;
    if (failure !== null) throw new CliError(`command ${quoted} error (${failure})`);
  }
}
