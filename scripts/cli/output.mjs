// @ts-check
/** What goes to standard output, in the formats of etcdctl. */

/**
 * @typedef {object} Pair a key with its value, as bytes
 * @property {Uint8Array} key
 * @property {Uint8Array} value empty when only keys were asked for
 */

const NEWLINE = Buffer.from("\n");

/**
 * @param {NodeJS.WritableStream} stdout
 * @param {unknown} value
 */
export function printJson(stdout, value) {
  stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * The key on a line, then the value on a line. Bytes go out as they are, or as `\x61` with `hex`.
 * @param {NodeJS.WritableStream} stdout
 * @param {Pair} pair
 * @param {{ hex: boolean, valueOnly: boolean }} format
 */
export function printPair(stdout, { key, value }, { hex, valueOnly }) {
  const parts = valueOnly ? [value] : [key, value];
  const lines = parts.flatMap((bytes) => [hex ? Buffer.from(hexText(bytes)) : bytes, NEWLINE]);
  stdout.write(Buffer.concat(lines));
}

/** @param {Uint8Array} bytes */
function hexText(bytes) {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
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
