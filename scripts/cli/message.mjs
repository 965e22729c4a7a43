// @ts-check
/**
 * Fields of the gateway's JSON messages. Zero values are absent there and 64-bit numbers are strings,
 * which become bigints here: lease ids and member ids lose no digit.
 */

/** @typedef {{ readonly [field: string]: unknown }} Message */

/** @type {Message} */
const EMPTY = {};

/**
 * @param {unknown} value
 * @returns {value is Message}
 */
export function isMessage(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {Message} message
 * @param {string} field
 */
export function int(message, field) {
  const value = message[field];
  if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : 0n;
}

/**
 * @param {Message} message
 * @param {string} field
 */
export function text(message, field) {
  const value = message[field];
  return typeof value === "string" ? value : "";
}

/**
 * @param {Message} message
 * @param {string} field
 */
export function flag(message, field) {
  return message[field] === true;
}

/**
 * @param {Message} message
 * @param {string} field
 */
export function bytes(message, field) {
  return Buffer.from(text(message, field), "base64");
}

/**
 * @param {Message} message
 * @param {string} field
 * @returns {Message} empty when it is absent
 */
export function child(message, field) {
  const value = message[field];
  return isMessage(value) ? value : EMPTY;
}

/**
 * @param {Message} message
 * @param {string} field
 * @returns {readonly Message[]}
 */
export function children(message, field) {
  const value = message[field];
  return Array.isArray(value) ? value.filter(isMessage) : [];
}

/**
 * @param {Message} message
 * @param {string} field
 * @returns {readonly string[]}
 */
export function texts(message, field) {
  const value = message[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** @param {string | Uint8Array} value */
export function base64(value) {
  return Buffer.from(value).toString("base64");
}
