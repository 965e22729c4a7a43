// @ts-check
/** `status`: the group as a table. */
import { EXIT } from "./errors.mjs";
import { alignColumns, jsonLine, painter, supports } from "./print/output.mjs";

/** @typedef {import("./context.mjs").CommandContext} CommandContext */

/**
 * @typedef {object} Member
 * @property {string} name
 * @property {string} region
 * @property {boolean} reachable
 * @property {string} [role]
 * @property {number} [term]
 * @property {number} [revision]
 * @property {number} [applied]
 * @property {number} [lag]
 * @property {number} [database_bytes]
 * @property {string} [stopped] why the replica serves nobody
 */

/**
 * @typedef {object} Group what `/status` answers
 * @property {string} cluster
 * @property {string | null} leader
 * @property {number} quorum
 * @property {number} reachable
 * @property {boolean} has_quorum
 * @property {readonly Member[]} members
 */

const HEAD = ["NAME", "REGION", "ROLE", "TERM", "REVISION", "APPLIED", "LAG", "DB SIZE"];

/**
 * Fails (exit code 1) when no quorum can be reached, so that scripts can wait for one.
 * @param {CommandContext} context
 * @returns {Promise<number>}
 */
export async function status(context) {
  supports(context, ["simple", "json", "table"]);
  const answer = await context.client.get("/status");
  const group = /** @type {Group} */ (/** @type {unknown} */ (answer));
  if (context.format === "json") {
    context.stdout.write(jsonLine(group));
    return group.has_quorum ? EXIT.ok : EXIT.failure;
  }
  const paint = painter(context.stdout, context.env);
  const [head, ...lines] = alignColumns([HEAD, ...group.members.map(memberRow)]).split("\n");
  context.stdout.write(`${head}\n`);
  for (const [position, member] of group.members.entries()) {
    const colour = colourOf(member);
    const line = lines[position] ?? "";
    context.stdout.write(`${colour === null ? line : paint(line, colour)}\n`);
  }
  const quorum = group.has_quorum ? "has a quorum" : "has NO quorum";
  const counts = `${group.reachable} of ${group.members.length} replicas reachable, ${group.quorum} needed`;
  const summary = `cluster ${group.cluster} ${quorum}: ${counts}, leader ${group.leader ?? "unknown"}`;
  context.stdout.write(`${group.has_quorum ? summary : paint(summary, "red")}\n`);
  return group.has_quorum ? EXIT.ok : EXIT.failure;
}

/** @param {Member} member */
function colourOf({ reachable, stopped, role }) {
  if (!reachable || stopped !== undefined) return "red";
  return role === "leader" ? "green" : null;
}

/** @param {Member} member */
function memberRow({ name, region, reachable, stopped, role, term, revision, applied, lag, database_bytes }) {
  if (!reachable) return [name, region, "unreachable", "-", "-", "-", "-", "-"];
  const numbers = [term, revision, applied, lag].map((value) => String(value ?? "-"));
  return [
    name,
    region,
    stopped === undefined ? (role ?? "-") : "stopped",
    ...numbers,
    byteText(database_bytes ?? 0),
  ];
}

/** @param {number} bytes */
function byteText(bytes) {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_024 ** 2) return `${(bytes / 1_024).toFixed(1)} KiB`;
  if (bytes < 1_024 ** 3) return `${(bytes / 1_024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1_024 ** 3).toFixed(2)} GiB`;
}
