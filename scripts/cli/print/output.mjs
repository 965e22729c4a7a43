// @ts-check
/** What goes to standard output, in the formats of etcdctl. */
import { CliError, EXIT } from "../errors.mjs";
import { child, int } from "../message.mjs";
import { goJson } from "./go.mjs";
import { PUT, toGo } from "./schemas.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */
/** @typedef {"simple" | "json" | "fields" | "table"} Format */
/** @typedef {string | Uint8Array} Text */

/**
 * Refuses a format that the command has no output in, before anything is done.
 * @param {CommandContext} context
 * @param {readonly Format[]} formats
 */
export function supports({ format }, formats) {
  if (formats.includes(format)) return;
  throw new CliError(`${format} not supported as output format`, EXIT.feature);
}

/**
 * Prints what the wanted format makes of an answer.
 * @param {CommandContext} context
 * @param {{ [format in Format]?: () => Text }} printers
 */
export function show(context, printers) {
  const printer = printers[context.format];
  if (printer === undefined) throw new CliError(`${context.format} not supported as output format`, 4);
  context.stdout.write(printer());
}

/**
 * An answer that has nothing but a header: one line, unless another format is wanted.
 * @param {CommandContext} context
 * @param {Message} answer
 * @param {string} line
 */
export function showDone(context, answer, line) {
  show(context, {
    simple: () => `${line}\n`,
    json: () => jsonLine(toGo(PUT, answer)),
    fields: () => headerFields(answer),
  });
}

/** @param {unknown} value */
export function jsonLine(value) {
  return `${goJson(value)}\n`;
}

/** @param {Message} answer */
export function headerFields(answer) {
  const header = child(answer, "header");
  return fieldLines([
    ["ClusterID", int(header, "cluster_id")],
    ["MemberID", int(header, "member_id")],
    ["Revision", int(header, "revision")],
    ["RaftTerm", int(header, "raft_term")],
  ]);
}

/** @param {readonly (readonly [string, unknown])[]} fields values as they are to be read */
export function fieldLines(fields) {
  return fields.map(([name, value]) => `"${name}" : ${String(value)}\n`).join("");
}

/**
 * Bytes as they are, or as `\x61` with `--hex`; then the end of the line.
 * @param {CommandContext} context
 * @param {Uint8Array} bytes
 */
export function bytesLine({ hex }, bytes) {
  return Buffer.concat([hex ? Buffer.from(hexText(bytes)) : bytes, Buffer.from("\n")]);
}

/** @param {Uint8Array} bytes */
function hexText(bytes) {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/**
 * A table with a frame; the cells stand at the right, as etcdctl has them.
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+\n`;
  /** @param {readonly string[]} cells @param {(cell: string, width: number) => string} pad */
  const line = (cells, pad) =>
    `|${widths.map((width, column) => ` ${pad(cells[column] ?? "", width)} `).join("|")}|\n`;
  const body = rows.map((row) => line(row, (cell, width) => cell.padStart(width)));
  return `${rule}${line(head, centred)}${rule}${body.join("")}${rows.length > 0 ? rule : ""}`;
}

/**
 * @param {string} cell
 * @param {number} width
 */
function centred(cell, width) {
  return cell.padStart(cell.length + Math.floor((width - cell.length) / 2)).padEnd(width);
}

/**
 * Rows under a head, the columns aligned. Only the last column may be longer than its width.
 * @param {readonly (readonly string[])[]} rows the first is the head
 */
export function alignColumns(rows) {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * Colours, on terminals only and not where NO_COLOR is set.
 * @param {NodeJS.WritableStream} stdout
 * @param {NodeJS.ProcessEnv} env
 * @returns {(text: string, colour: "red" | "green" | "yellow") => string}
 */
export function painter(stdout, env) {
  const codes = { red: 31, green: 32, yellow: 33 };
  const plain = !("isTTY" in stdout && stdout.isTTY === true) || Boolean(env["NO_COLOR"]);
  return (text, colour) => (plain ? text : `\u001b[${codes[colour]}m${text}\u001b[39m`);
}
