// @ts-check
/** `make-mirror`: copies keys into another cluster, edged or etcd, and then every change of them. */
import { Client } from "../client.mjs";
import { usageError } from "../errors.mjs";
import { untilInterrupted } from "../interrupt.mjs";
import { base64, bytes, child, children, flag, int, text } from "../message.mjs";
import { connectionOf } from "../options.mjs";
import { askPassword } from "../prompt.mjs";
import { rangeOf } from "../ranges.mjs";
import { answersOf } from "./watch.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

const PAGE_KEYS = 1_000;
/** As many as etcd takes in one transaction. */
const OPERATIONS_MAX = 128;
const REPORT_MS = 30_000;

/**
 * @typedef {object} MirrorOptions
 * @property {string} prefix
 * @property {string | boolean} [destPrefix] false for --no-dest-prefix
 * @property {string} [destUser]
 * @property {string} [destToken]
 * @property {string} [destCluster]
 */

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addMirrorCommand(program, context) {
  program
    .command("make-mirror [destination]")
    .description("copy keys, and every change from then on, to another cluster of edged or etcd")
    .option("--prefix <prefix>", "only the keys that start so", "")
    .option("--dest-prefix <prefix>", "what these keys start with there; by default the same")
    .option("--no-dest-prefix", "leave the prefix out there")
    .option("--dest-user <name[:password]>", "who you are there")
    .option("--dest-token <token>", "that deployment's API_TOKEN")
    .option("--dest-cluster <name>", "which cluster of edged there")
    .action((destination, options) => mirror(context(), destination, options));
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} destination
 * @param {MirrorOptions} options
 */
async function mirror(context, destination, options) {
  if (destination === undefined) throw usageError("make-mirror takes one destination argument");
  const { prefix } = options;
  const to = options.destPrefix === false ? "" : options.destPrefix;
  const renamed = typeof to === "string" ? to : prefix;
  const target = new Client(
    connectionOf(
      {
        endpoints: destination,
        ...(options.destUser === undefined ? {} : { user: options.destUser }),
        ...(options.destToken === undefined ? {} : { token: options.destToken }),
        ...(options.destCluster === undefined ? {} : { cluster: options.destCluster }),
      },
      () => undefined,
      (prompt) => askPassword(context, prompt),
    ),
  );
  const copy = new Copy(target, Buffer.from(prefix).length, Buffer.from(renamed));
  await untilInterrupted(context, async (signal) => {
    const report = setInterval(() => void context.stdout.write(`${copy.total}\n`), REPORT_MS);
    try {
      const range = rangeOf(prefix, undefined, { prefix: true });
      const revision = await copyAll(context, range, copy, signal);
      for await (const answer of answersOf(context, range, String(revision + 1n), signal)) {
        await copy.changes(children(answer, "events"));
      }
    } finally {
      clearInterval(report);
      context.stdout.write(`${copy.total}\n`);
    }
  });
}

/** Writes into the destination what happened at the source. */
class Copy {
  total = 0;

  /** @param {Client} target @param {number} cut bytes of the old prefix @param {Buffer} prefix the new one */
  constructor(target, cut, prefix) {
    this.target = target;
    this.cut = cut;
    this.prefix = prefix;
  }

  /** @param {readonly Message[]} pairs */
  async pairs(pairs) {
    for (let at = 0; at < pairs.length; at += OPERATIONS_MAX) {
      await this.#run(pairs.slice(at, at + OPERATIONS_MAX).map((pair) => this.#put(pair)));
    }
  }

  /**
   * What one revision changed is one transaction there, unless it is too large for one.
   * @param {readonly Message[]} events
   */
  async changes(events) {
    /** @type {Message[]} */
    let together = [];
    let revision = 0n;
    for (const event of events) {
      const pair = child(event, "kv");
      const at = int(pair, "mod_revision");
      if (together.length > 0 && (at !== revision || together.length === OPERATIONS_MAX)) {
        await this.#run(together);
        together = [];
      }
      revision = at;
      const isDelete = text(event, "type") === "DELETE";
      together.push(isDelete ? { request_delete_range: { key: this.#key(pair) } } : this.#put(pair));
    }
    if (together.length > 0) await this.#run(together);
  }

  /** @param {Message} pair */
  #key(pair) {
    return base64(Buffer.concat([this.prefix, bytes(pair, "key").subarray(this.cut)]));
  }

  /** @param {Message} pair @returns {Message} */
  #put(pair) {
    return { request_put: { key: this.#key(pair), value: text(pair, "value") } };
  }

  /** @param {readonly Message[]} operations */
  async #run(operations) {
    await this.target.call("kv/txn", { success: [...operations] }, { isWrite: true });
    this.total += operations.length;
  }
}

/**
 * All there is, as it was at one revision, which is returned.
 * @param {CommandContext} context
 * @param {{ key: string, range_end?: string }} range
 * @param {Copy} copy
 * @param {AbortSignal} signal
 */
async function copyAll({ client }, range, copy, signal) {
  let revision = 0n;
  for (let key = range.key; !signal.aborted; ) {
    const request = { ...range, key, limit: String(PAGE_KEYS), revision: String(revision) };
    const answer = await client.call("kv/range", request, { signal });
    if (revision === 0n) revision = int(child(answer, "header"), "revision");
    const pairs = children(answer, "kvs");
    await copy.pairs(pairs);
    const last = pairs.at(-1);
    if (last === undefined || !flag(answer, "more")) break;
    key = base64(Buffer.concat([bytes(last, "key"), Buffer.from([0])]));
  }
  return revision;
}
