// @ts-check
/** What every command is given. */
import { Client } from "./client.mjs";
import { settings } from "./config.mjs";
import { connectionOf, parseFormat } from "./options.mjs";
import { askPassword } from "./prompt.mjs";

/** @typedef {import("./program.mjs").Io} Io */

/**
 * @typedef {Io & {
 *   client: Client,
 *   format: import("./print/output.mjs").Format,
 *   hex: boolean,
 *   rest: readonly string[] | null,
 * }} CommandContext `rest`: what stands behind `--`, null without one
 */

/**
 * @param {import("./options.mjs").GlobalOptions} options
 * @param {Io} io
 * @param {readonly string[] | null} rest
 * @returns {CommandContext}
 */
export function contextOf(options, io, rest) {
  const fallback = settings(io.env, options.config);
  const client = new Client(connectionOf(options, fallback, (prompt) => askPassword(io, prompt)));
  const format =
    options.json === true ? "json" : (options.writeOut ?? parseFormat(fallback("write-out") ?? "simple"));
  return { ...io, client, format, hex: options.hex === true, rest };
}
