// @ts-check
/** `alarm`, `defrag` and `move-leader`. */
import { CliError, errorText, usageError } from "../errors.mjs";
import { children, int, text } from "../message.mjs";
import { parseHexId } from "../options.mjs";
import { hexId } from "../print/go.mjs";
import { fieldLines, headerFields, jsonLine, show, supports } from "../print/output.mjs";
import { ALARM, toGo } from "../print/schemas.mjs";
import { optionsFor, targetsOf } from "./endpoint.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addMaintenanceCommands(program, context) {
  const alarm = program.command("alarm").description("list and disarm alarms");
  alarm
    .command("list")
    .description("show what is alarming")
    .action(() => alarms(context(), "GET"));
  alarm
    .command("disarm")
    .description("end all alarms")
    .action(() => alarms(context(), "DEACTIVATE"));
  program
    .command("defrag")
    .description("give unused space of the database back")
    .option("--all-members", "(or --cluster) at every member")
    .action((options) => defrag(context(), options.allMembers));
  program
    .command("move-leader [id]")
    .description("let another member lead")
    .action((id) => moveLeader(context(), id));
}

/**
 * @param {CommandContext} context
 * @param {"GET" | "DEACTIVATE"} action
 */
async function alarms(context, action) {
  supports(context, ["simple", "json", "fields"]);
  const { client } = context;
  let answer = await client.call("maintenance/alarm", { action: "GET" });
  if (action === "DEACTIVATE") {
    const disarmed = [];
    for (const { memberID, alarm } of children(answer, "alarms")) {
      const request = { action, memberID, alarm };
      const ended = await client.call("maintenance/alarm", request, { isWrite: true });
      disarmed.push(...children(ended, "alarms"));
    }
    answer = { ...answer, alarms: disarmed };
  }
  const list = children(answer, "alarms");
  const name = (/** @type {import("../message.mjs").Message} */ entry) => text(entry, "alarm") || "NONE";
  show(context, {
    simple: () =>
      list
        .map((entry) => `memberID:${BigInt.asUintN(64, int(entry, "memberID"))} alarm:${name(entry)} \n`)
        .join(""),
    json: () => jsonLine(toGo(ALARM, answer)),
    fields: () =>
      headerFields(answer) +
      list
        .map((entry) =>
          fieldLines([
            ["MemberID", int(entry, "memberID")],
            ["AlarmType", name(entry)],
          ]),
        )
        .join("\n"),
  });
}

/**
 * @param {CommandContext} context
 * @param {boolean | undefined} isCluster
 */
async function defrag(context, isCluster) {
  let hasFailed = false;
  for (const target of await targetsOf(context, isCluster)) {
    try {
      await context.client.call("maintenance/defragment", {}, optionsFor(target));
      context.stdout.write(`Finished defragmenting etcd member[${target.label}]\n`);
    } catch (error) {
      hasFailed = true;
      context.stderr.write(`Failed to defragment etcd member[${target.label}] (${errorText(error)})\n`);
    }
  }
  if (hasFailed) throw new CliError("not every member was defragmented");
}

/**
 * @param {CommandContext} context
 * @param {string | undefined} id
 */
async function moveLeader(context, id) {
  if (id === undefined) throw usageError("move-leader command needs 1 argument");
  supports(context, ["simple", "json"]);
  const targetID = parseHexId(id, "member ID arg");
  const before = int(await context.client.call("maintenance/status", {}), "leader");
  await context.client.call("maintenance/transfer-leadership", { targetID });
  show(context, {
    simple: () => `Leadership transferred from ${hexId(before)} to ${hexId(BigInt(targetID))}\n`,
    json: () => "{}\n",
  });
}
