// @ts-check
/** `endpoint health`, `status` and `hashkv`, of each endpoint that was given. */
import { GRPC } from "../client.mjs";
import { CliError, EXIT, errorText } from "../errors.mjs";
import { child, children, flag, int, text, texts } from "../message.mjs";
import { parseRevision } from "../options.mjs";
import { goBytes, goDuration, goQuote, hexId } from "../print/go.mjs";
import { fieldLines, headerFields, jsonLine, show, supports, table } from "../print/output.mjs";
import { HASH_KV, STATUS, toGo } from "../print/schemas.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */
/** @typedef {{ readonly label: string, readonly endpoint: string, readonly replica?: string }} Target */

const HEALTH_HEAD = ["ENDPOINT", "HEALTH", "TOOK", "ERROR"];
const STATUS_HEAD = [
  "ENDPOINT",
  "ID",
  "VERSION",
  "DB SIZE",
  "IS LEADER",
  "IS LEARNER",
  "RAFT TERM",
  "RAFT INDEX",
  "RAFT APPLIED INDEX",
  "ERRORS",
];

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addEndpointCommands(program, context) {
  const endpoint = program.command("endpoint").description("health, status and hash of endpoints");
  /** @param {string} name @param {string} description */
  const command = (name, description) =>
    endpoint
      .command(name)
      .description(description)
      .option("--all-members", "(or --cluster) every member instead, as ENDPOINT#NAME");
  command("health", "whether each endpoint commits").action((options) =>
    health(context(), options.allMembers),
  );
  command("status", "what each endpoint's replica says").action((options) =>
    status(context(), options.allMembers),
  );
  command("hashkv", "a hash of all keys at each endpoint")
    .option("--rev <n>", "up to that revision", parseRevision)
    .action((options) => hashKv(context(), options.allMembers, options.rev));
}

/**
 * One gateway leads to every member, so that members are told apart by their names.
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 * @returns {Promise<readonly Target[]>}
 */
export async function targetsOf({ client }, isCluster) {
  const { endpoints, names } = client.connection;
  if (!isCluster) return endpoints.map((endpoint, at) => ({ label: names[at] ?? endpoint, endpoint }));
  const members = children(await client.call("cluster/member/list", {}), "members");
  const [first = ""] = endpoints;
  return members
    .map((member) => text(member, "name"))
    .filter((name) => name !== "")
    .map((replica) => ({ label: `${names[0]}#${replica}`, endpoint: first, replica }));
}

/**
 * @param {Target} target
 */
export function optionsFor({ endpoint, replica }) {
  return { endpoint, ...(replica === undefined ? {} : { replica }) };
}

/**
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 */
async function health(context, isCluster) {
  supports(context, ["simple", "json", "fields", "table"]);
  const targets = await targetsOf(context, isCluster);
  const checks = await Promise.all(targets.map((target) => checkHealth(context, target)));
  const row = (/** @type {typeof checks[number]} */ { label, isHealthy, took, error }) => [
    label,
    String(isHealthy),
    took,
    error,
  ];
  show(context, {
    simple: () => checks.map(healthLine).join(""),
    json: () =>
      jsonLine(
        checks.map(({ label, isHealthy, took, error }) => ({
          endpoint: label,
          health: isHealthy,
          took,
          ...(error === "" ? {} : { error }),
        })),
      ),
    fields: () =>
      checks
        .map(
          ({ label, isHealthy, took, error }) =>
            `"Endpoint" : ${goQuote(label)}\n"Health" : ${isHealthy}\n"Took" : ${took}\n"Error" : ${error}\n\n`,
        )
        .join(""),
    table: () => table(HEALTH_HEAD, checks.map(row)),
  });
  if (checks.some(({ isHealthy }) => !isHealthy)) throw new CliError("unhealthy cluster");
}

/**
 * A linearizable read; to be refused a key is an answer, too.
 * @param {CommandContext} context
 * @param {Target} target
 */
async function checkHealth({ client }, target) {
  const startedMs = performance.now();
  const error = await client
    .call("kv/range", { key: Buffer.from("health").toString("base64") }, optionsFor(target))
    .then(
      () => "",
      (reason) =>
        reason instanceof CliError && reason.grpcCode === GRPC.permissionDenied ? "" : errorText(reason),
    );
  const took = goDuration(performance.now() - startedMs);
  return { label: target.label, isHealthy: error === "", took, error };
}

/** @param {{ label: string, isHealthy: boolean, took: string, error: string }} check */
function healthLine({ label, isHealthy, took, error }) {
  return isHealthy
    ? `${label} is healthy: successfully committed proposal: took = ${took}\n`
    : `${label} is unhealthy: failed to commit proposal: ${error}\n`;
}

/**
 * Asks every endpoint; those that fail are told on standard error, and then the command fails.
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 * @param {string} what
 * @param {(target: Target) => Promise<Message>} ask
 * @param {(answers: readonly { label: string, answer: Message }[]) => void} print
 */
async function askAll(context, isCluster, what, ask, print) {
  const targets = await targetsOf(context, isCluster);
  const answers = [];
  let hasFailed = false;
  for (const target of targets) {
    try {
      answers.push({ label: target.label, answer: await ask(target) });
    } catch (error) {
      hasFailed = true;
      context.stderr.write(`Failed to get the ${what} of endpoint ${target.label} (${errorText(error)})\n`);
    }
  }
  print(answers);
  if (hasFailed) throw new CliError(`the ${what} of some endpoints is unknown`, EXIT.failure);
}

/**
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 */
async function status(context, isCluster) {
  supports(context, ["simple", "json", "fields", "table"]);
  const ask = (/** @type {Target} */ target) =>
    context.client.call("maintenance/status", {}, optionsFor(target));
  await askAll(context, isCluster, "status", ask, (answers) => {
    const rows = answers.map(({ label, answer }) => statusRow(label, answer));
    show(context, {
      simple: () => rows.map((row) => `${row.join(", ")}\n`).join(""),
      json: () =>
        jsonLine(answers.map(({ label, answer }) => ({ Endpoint: label, Status: toGo(STATUS, answer) }))),
      fields: () => answers.map(({ label, answer }) => statusFields(label, answer)).join(""),
      table: () => table(STATUS_HEAD, rows),
    });
  });
}

/**
 * @param {string} label
 * @param {Message} answer
 */
function statusRow(label, answer) {
  const id = int(child(answer, "header"), "member_id");
  return [
    label,
    hexId(id),
    text(answer, "version"),
    goBytes(int(answer, "dbSize")),
    String(int(answer, "leader") === id),
    String(flag(answer, "isLearner")),
    int(answer, "raftTerm").toString(),
    int(answer, "raftIndex").toString(),
    int(answer, "raftAppliedIndex").toString(),
    texts(answer, "errors").join(", "),
  ];
}

/**
 * @param {string} label
 * @param {Message} answer
 */
function statusFields(label, answer) {
  const errors = texts(answer, "errors").map((error) => goQuote(error));
  return `${headerFields(answer)}${fieldLines([
    ["Version", goQuote(text(answer, "version"))],
    ["DBSize", int(answer, "dbSize")],
    ["Leader", int(answer, "leader")],
    ["IsLearner", flag(answer, "isLearner")],
    ["RaftIndex", int(answer, "raftIndex")],
    ["RaftTerm", int(answer, "raftTerm")],
    ["RaftAppliedIndex", int(answer, "raftAppliedIndex")],
    ["Errors", `[${errors.join(" ")}]`],
    ["Endpoint", goQuote(label)],
  ])}\n`;
}

/**
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 * @param {string | undefined} revision
 */
async function hashKv(context, isCluster, revision) {
  supports(context, ["simple", "json", "fields", "table"]);
  const request = revision === undefined ? {} : { revision };
  const ask = (/** @type {Target} */ target) =>
    context.client.rpc("Maintenance/HashKV", request, optionsFor(target));
  await askAll(context, isCluster, "hash", ask, (answers) => {
    const rows = answers.map(({ label, answer }) => [label, int(answer, "hash").toString()]);
    show(context, {
      simple: () => rows.map((row) => `${row.join(", ")}\n`).join(""),
      json: () =>
        jsonLine(answers.map(({ label, answer }) => ({ Endpoint: label, HashKV: toGo(HASH_KV, answer) }))),
      fields: () =>
        answers
          .map(
            ({ label, answer }) =>
              `${headerFields(answer)}${fieldLines([
                ["Endpoint", goQuote(label)],
                ["Hash", int(answer, "hash")],
              ])}\n`,
          )
          .join(""),
      table: () => table(["ENDPOINT", "HASH"], rows),
    });
  });
}
