// @ts-check
/** `member list`, `add`, `promote`, `update` and `remove`. */
import { usageError } from "../errors.mjs";
import { child, children, flag, int, text, texts } from "../message.mjs";
import { parseHexId } from "../options.mjs";
import { goQuote, hexId } from "../print/go.mjs";
import { fieldLines, headerFields, jsonLine, show, supports, table } from "../print/output.mjs";
import { MEMBERS, toGo } from "../print/schemas.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */

const HEAD = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"];
const PEER_URLS = "--peer-urls <urls>";

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addMemberCommands(program, context) {
  const member = program.command("member").description("list, add, promote, update, remove replicas");
  member
    .command("list")
    .description("show all members")
    .action(() => list(context()));
  member
    .command("add [name]")
    .description("add a replica")
    .option(PEER_URLS, "edged://NAME?region=HINT")
    .option("--region <hint>", "where it lives; instead of --peer-urls")
    .option("--learner", "one that does not vote yet")
    .addHelpText("after", "\nRegions: wnam enam weur eeur apac-ne apac-se oc")
    .action((name, options) => add(context(), name, options));
  member
    .command("promote [id]")
    .description("let a learner vote")
    .action((id) => change(context(), "promote", id, {}));
  member
    .command("update [id]")
    .description("change where a member is said to be")
    .option(PEER_URLS, "edged://NAME?region=HINT")
    .action((id, { peerUrls }) => {
      if (id !== undefined && !peerUrls) throw usageError("member peer urls not provided (--peer-urls)");
      return change(context(), "update", id, { peerURLs: peerUrls?.split(",") });
    });
  member
    .command("remove [id]")
    .description("remove a member")
    .action((id) => change(context(), "remove", id, {}));
}

/** @param {CommandContext} context */
async function list(context) {
  supports(context, ["simple", "json", "fields", "table"]);
  const answer = await context.client.call("cluster/member/list", {});
  const members = children(answer, "members");
  show(context, {
    simple: () => members.map((member) => `${memberRow(member).join(", ")}\n`).join(""),
    json: () => jsonLine(toGo(MEMBERS, answer)),
    fields: () => headerFields(answer) + members.map(memberFields).join(""),
    table: () => table(HEAD, members.map(memberRow)),
  });
}

/** @param {Message} member */
function memberRow(member) {
  return [
    hexId(int(member, "ID")),
    text(member, "name") === "" ? "unstarted" : "started",
    text(member, "name"),
    texts(member, "peerURLs").join(","),
    texts(member, "clientURLs").join(","),
    String(flag(member, "isLearner")),
  ];
}

/** @param {Message} member */
function memberFields(member) {
  /** @param {string} name @param {readonly string[]} urls */
  const quoted = (name, urls) => urls.map((url) => /** @type {const} */ ([name, goQuote(url)]));
  return `${fieldLines([
    ["ID", int(member, "ID")],
    ["Name", goQuote(text(member, "name"))],
    ...quoted("PeerURL", texts(member, "peerURLs")),
    ...quoted("ClientURL", texts(member, "clientURLs")),
    ["IsLearner", flag(member, "isLearner")],
  ])}\n`;
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} name
 * @param {{ peerUrls?: string, region?: string, learner?: boolean }} options
 */
async function add(context, name, { peerUrls, region, learner }) {
  if (name === undefined) throw usageError("member name not provided");
  const query = region === undefined ? "" : `?region=${encodeURIComponent(region)}`;
  const urls = peerUrls ?? (region === undefined ? undefined : `edged://${name}${query}`);
  if (!urls)
    throw usageError("member peer urls not provided (--region HINT or --peer-urls edged://NAME?region=HINT)");
  supports(context, ["simple", "json"]);
  const request = { peerURLs: urls.split(","), ...(learner ? { isLearner: true } : {}) };
  const answer = await context.client.call("cluster/member/add", request, { isWrite: true });
  const id = int(child(answer, "member"), "ID");
  show(context, {
    simple: () => added(answer, id, name, urls),
    json: () => jsonLine(toGo(MEMBERS, answer)),
  });
}

/**
 * @param {Message} answer
 * @param {bigint} id
 * @param {string} name
 * @param {string} urls
 */
function added(answer, id, name, urls) {
  const cluster = children(answer, "members").flatMap((member) => {
    const memberName = int(member, "ID") === id ? name : text(member, "name");
    return texts(member, "peerURLs").map((url) => `${memberName}=${url}`);
  });
  return `${memberLine(answer, id, "added to")}
ETCD_NAME=${goQuote(name)}
ETCD_INITIAL_CLUSTER=${goQuote(cluster.join(","))}
ETCD_INITIAL_ADVERTISE_PEER_URLS=${goQuote(urls)}
ETCD_INITIAL_CLUSTER_STATE="existing"
`;
}

/**
 * @param {CommandContext} context
 * @param {"promote" | "update" | "remove"} what
 * @param {string | undefined} id
 * @param {Message} more
 */
async function change(context, what, id, more) {
  if (id === undefined) throw usageError("member ID is not provided");
  const ID = parseHexId(id, "member ID arg");
  supports(context, ["simple", "json"]);
  const answer = await context.client.call(`cluster/member/${what}`, { ID, ...more }, { isWrite: true });
  const done = { promote: "promoted in", update: "updated in", remove: "removed from" }[what];
  show(context, {
    simple: () => memberLine(answer, BigInt(ID), done),
    json: () => jsonLine(toGo(MEMBERS, answer)),
  });
}

/**
 * @param {Message} answer
 * @param {bigint} id
 * @param {string} done
 */
function memberLine(answer, id, done) {
  const cluster = hexId(int(child(answer, "header"), "cluster_id"));
  return `Member ${hexId(id).padStart(16)} ${done} cluster ${cluster.padStart(16)}\n`;
}
