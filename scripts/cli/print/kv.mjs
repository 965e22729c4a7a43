// @ts-check
/** Answers about keys. */
import { bytes, child, children, flag, int } from "../message.mjs";
import { goQuote } from "./go.mjs";
import { bytesLine, fieldLines, headerFields, jsonLine } from "./output.mjs";
import { DELETE_RANGE, HEADER, PUT, RANGE, toGo } from "./schemas.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */
/** @typedef {import("../message.mjs").Message} Message */
/** @typedef {{ readonly simple: () => Buffer, readonly json: () => string, readonly fields: () => string }} Printers */

/**
 * The key on a line, then the value on a line.
 * @param {CommandContext} context
 * @param {Message} pair
 * @param {boolean} [valueOnly]
 */
export function pairText(context, pair, valueOnly = false) {
  const value = bytesLine(context, bytes(pair, "value"));
  return valueOnly ? value : Buffer.concat([bytesLine(context, bytes(pair, "key")), value]);
}

/**
 * @param {string} prefix of the fields' names
 * @param {Message} pair
 */
export function pairFields(prefix, pair) {
  return fieldLines([
    [`${prefix}Key`, goQuote(bytes(pair, "key"))],
    [`${prefix}CreateRevision`, int(pair, "create_revision")],
    [`${prefix}ModRevision`, int(pair, "mod_revision")],
    [`${prefix}Version`, int(pair, "version")],
    [`${prefix}Value`, goQuote(bytes(pair, "value"))],
    [`${prefix}Lease`, int(pair, "lease")],
  ]);
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 * @returns {Printers}
 */
export function putPrinters(context, answer) {
  const before = answer["prev_kv"] === undefined ? null : child(answer, "prev_kv");
  return {
    simple: () =>
      Buffer.concat([Buffer.from("OK\n"), ...(before === null ? [] : [pairText(context, before)])]),
    json: () => jsonLine(toGo(PUT, answer)),
    fields: () => headerFields(answer) + (before === null ? "" : pairFields("Prev", before)),
  };
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 * @param {boolean} [valueOnly]
 * @returns {Printers}
 */
export function rangePrinters(context, answer, valueOnly = false) {
  const pairs = children(answer, "kvs");
  return {
    simple: () => Buffer.concat(pairs.map((pair) => pairText(context, pair, valueOnly))),
    json: () => jsonLine(toGo(RANGE, answer)),
    fields: () =>
      headerFields(answer) +
      pairs.map((pair) => pairFields("", pair)).join("") +
      fieldLines([
        ["More", flag(answer, "more")],
        ["Count", int(answer, "count")],
      ]),
  };
}

/**
 * @param {CommandContext} context
 * @param {Message} answer
 * @returns {Printers}
 */
export function deletePrinters(context, answer) {
  const before = children(answer, "prev_kvs");
  return {
    simple: () =>
      Buffer.concat([
        Buffer.from(`${int(answer, "deleted")}\n`),
        ...before.map((pair) => pairText(context, pair)),
      ]),
    json: () => jsonLine(toGo(DELETE_RANGE, answer)),
    // 3.4 names the number first.
    fields: () =>
      headerFields(answer) +
      fieldLines([["Deleted", int(answer, "deleted")]]) +
      before.map((pair) => pairFields("Prev", pair)).join(""),
  };
}

/**
 * @param {CommandContext} context
 * @param {Message} answer of a transaction
 * @returns {Printers}
 */
export function txnPrinters(context, answer) {
  const isSuccess = flag(answer, "succeeded");
  const parts = children(answer, "responses").map((part) => partPrinters(context, part));
  return {
    simple: () =>
      Buffer.concat([
        Buffer.from(isSuccess ? "SUCCESS\n" : "FAILURE\n"),
        ...parts.flatMap(({ printers }) => [Buffer.from("\n"), printers.simple()]),
      ]),
    json: () => {
      const responses = parts.map(({ name, struct }) => ({ Response: { [name]: struct } }));
      return jsonLine({
        header: toGo(HEADER, child(answer, "header")),
        ...(isSuccess ? { succeeded: true } : {}),
        ...(responses.length > 0 ? { responses } : {}),
      });
    },
    fields: () =>
      headerFields(answer) +
      fieldLines([["Succeeded", isSuccess]]) +
      parts.map(({ printers }) => printers.fields()).join(""),
  };
}

/**
 * @param {CommandContext} context
 * @param {Message} part one answer of a transaction
 */
function partPrinters(context, part) {
  const [field] = Object.keys(part);
  const answer = child(part, field ?? "");
  switch (field) {
    case "response_put":
      return { name: "ResponsePut", struct: toGo(PUT, answer), printers: putPrinters(context, answer) };
    case "response_delete_range":
      return {
        name: "ResponseDeleteRange",
        struct: toGo(DELETE_RANGE, answer),
        printers: deletePrinters(context, answer),
      };
    default:
      return { name: "ResponseRange", struct: toGo(RANGE, answer), printers: rangePrinters(context, answer) };
  }
}
