// @ts-check
/** `lease grant`, `revoke`, `timetolive`, `list` and `keep-alive`. */
import { CliError, EXIT, usageError } from "../errors.mjs";
import { pause, untilInterrupted } from "../interrupt.mjs";
import { child, children, int, texts } from "../message.mjs";
import { parseHexId } from "../options.mjs";
import { goQuote, leaseId } from "../print/go.mjs";
import { fieldLines, headerFields, jsonLine, show, showDone, supports } from "../print/output.mjs";
import { HEADER, toGo } from "../print/schemas.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addLeaseCommands(program, context) {
  const lease = program.command("lease").description("grant, revoke, look at and renew leases");
  lease
    .command("grant [ttl]")
    .description("make a lease of so many seconds")
    .action((ttl) => grant(context(), ttl));
  lease
    .command("revoke [id]")
    .description("end a lease and delete its keys")
    .action((id) => revoke(context(), id));
  lease
    .command("timetolive [id]")
    .description("show how long a lease lasts")
    .option("--keys", "also the keys that end with it")
    .action((id, { keys }) => timeToLive(context(), id, keys === true));
  lease
    .command("list")
    .description("show all leases")
    .action(() => list(context()));
  lease
    .command("keep-alive [id]")
    .description("renew a lease until ctrl-C")
    .option("--once", "renew it once")
    .action((id, { once }) => keepAlive(context(), id, once === true));
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} ttl
 */
async function grant(context, ttl) {
  if (ttl === undefined) throw usageError("lease grant command needs TTL argument");
  if (!/^-?\d{1,19}$/.test(ttl) || BigInt(ttl) > MAX_INT64)
    throw usageError(`bad TTL (${goQuote(ttl)} is no number of seconds)`);
  supports(context, ["simple", "json", "fields"]);
  const answer = await context.client.call("lease/grant", { TTL: BigInt(ttl).toString() }, { isWrite: true });
  const [id, granted] = [int(answer, "ID"), int(answer, "TTL")];
  show(context, {
    simple: () => `lease ${leaseId(id)} granted with TTL(${granted}s)\n`,
    json: () => jsonLine({ ...headerOf(answer), ID: id, TTL: granted, Error: "" }),
    fields: () =>
      headerFields(answer) +
      fieldLines([
        ["ID", id],
        ["TTL", granted],
      ]),
  });
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} id
 */
async function revoke(context, id) {
  if (id === undefined) throw usageError("lease revoke command needs 1 argument");
  supports(context, ["simple", "json", "fields"]);
  const ID = parseHexId(id, "lease ID arg");
  try {
    const answer = await context.client.call("lease/revoke", { ID }, { isWrite: true });
    showDone(context, answer, `lease ${leaseId(BigInt(ID))} revoked`);
  } catch (error) {
    if (!(error instanceof CliError) || error.grpcCode === null) throw error;
    throw new CliError(`failed to revoke lease (${error.message})`);
  }
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} id
 * @param {boolean} withKeys
 */
async function timeToLive(context, id, withKeys) {
  if (id === undefined) throw usageError("lease timetolive command needs lease ID as argument");
  supports(context, ["simple", "json", "fields"]);
  const request = { ID: parseHexId(id, "lease ID arg"), ...(withKeys ? { keys: true } : {}) };
  const answer = await context.client.call("lease/timetolive", request);
  const [lease, left, granted] = [int(answer, "ID"), int(answer, "TTL"), int(answer, "grantedTTL")];
  const keys = texts(answer, "keys");
  show(context, {
    simple: () => {
      const name = `lease ${leaseId(lease)}`;
      if (granted === 0n && left === -1n) return `${name} already expired\n`;
      const names = keys.map((key) => Buffer.from(key, "base64").toString()).join(" ");
      const attached = withKeys ? `, attached keys([${names}])` : "";
      return `${name} granted with TTL(${granted}s), remaining(${left}s)${attached}\n`;
    },
    json: () =>
      jsonLine({
        ...headerOf(answer),
        id: lease,
        ttl: left,
        "granted-ttl": granted,
        keys: keys.length === 0 ? null : keys,
      }),
    fields: () =>
      headerFields(answer) +
      fieldLines([
        ["ID", lease],
        ["TTL", left],
        ["GrantedTTL", granted],
        ...keys.map((key) => /** @type {const} */ (["Key", goQuote(Buffer.from(key, "base64"))])),
      ]),
  });
}

/** @param {CommandContext} context */
async function list(context) {
  supports(context, ["simple", "json", "fields"]);
  const answer = await context.client.call("lease/leases", {});
  const ids = children(answer, "leases").map((lease) => int(lease, "ID"));
  show(context, {
    simple: () => `found ${ids.length} leases\n${ids.map((id) => `${leaseId(id)}\n`).join("")}`,
    json: () => jsonLine({ ...headerOf(answer), leases: ids.map((id) => ({ id })) }),
    fields: () => headerFields(answer) + fieldLines(ids.map((id) => ["ID", id])),
  });
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} id
 * @param {boolean} isOnce
 */
async function keepAlive(context, id, isOnce) {
  if (id === undefined) throw usageError("lease keep-alive command needs lease ID as argument");
  supports(context, ["simple", "json", "fields"]);
  const ID = parseHexId(id, "lease ID arg");
  await untilInterrupted(context, async (signal) => {
    for (;;) {
      const ttl = await renew(context, ID, isOnce, signal);
      if (isOnce || signal.aborted || ttl <= 0n) return;
      await pause((Number(ttl) * 1_000) / 3, signal);
      if (signal.aborted) return;
    }
  });
}

/**
 * @param {CommandContext} context
 * @param {string} ID
 * @param {boolean} isOnce
 * @param {AbortSignal} signal
 * @returns {Promise<bigint>} the seconds it has now
 */
async function renew(context, ID, isOnce, signal) {
  const message = await context.client
    .call("lease/keepalive", { ID }, { signal })
    .catch((/** @type {unknown} */ error) => {
      if (signal.aborted) return null;
      throw error;
    });
  if (message === null) return 0n;
  const answer = child(message, "result");
  const ttl = int(answer, "TTL");
  if (ttl <= 0n) {
    if (isOnce) throw new CliError("etcdserver: requested lease not found", EXIT.connection);
    context.stdout.write(`lease ${leaseId(BigInt(ID))} expired or revoked.\n`);
    return 0n;
  }
  show(context, {
    simple: () => `lease ${leaseId(BigInt(ID))} keepalived with TTL(${ttl})\n`,
    json: () => jsonLine({ ...headerOf(answer), ID: BigInt(ID), TTL: ttl }),
    fields: () =>
      headerFields(answer) +
      fieldLines([
        ["ID", ID],
        ["TTL", ttl],
      ]),
  });
  return ttl;
}

/** @param {Message} answer */
function headerOf(answer) {
  return toGo(HEADER, child(answer, "header"));
}
