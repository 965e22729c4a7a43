// @ts-check
/** Reading options: what commander cannot check by itself. */
import { InvalidArgumentError } from "commander";
import { usageError } from "./errors.mjs";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
/** The gateway itself gives up after ten seconds and then knows more than a timeout here. */
const DEFAULT_TIMEOUT_MS = 15_000;
const UNIT_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
]);

/**
 * @typedef {object} GlobalOptions
 * @property {string} [endpoint]
 * @property {string} [endpoints]
 * @property {string} [token]
 * @property {string} [cluster]
 * @property {number} [commandTimeout]
 * @property {string} [writeOut]
 * @property {boolean} [json]
 * @property {boolean} [hex]
 */

/** @param {string} text */
export function parseCount(text) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("It must be a whole number.");
  }
  return value;
}

/**
 * As etcdctl writes durations: 500ms, 5s, 1m.
 * @param {string} text
 */
export function parseDuration(text) {
  const parts = /^(\d{1,6})(ms|s|m)$/.exec(text);
  const unitMs = UNIT_MS.get(parts?.[2] ?? "");
  const value = Number(parts?.[1]) * (unitMs ?? Number.NaN);
  if (Number.isNaN(value) || value === 0) throw new InvalidArgumentError("Write it as 500ms, 5s or 1m.");
  return value;
}

/**
 * `l` and `s` are etcdctl's names.
 * @param {string} text
 */
export function parseConsistency(text) {
  if (text === "l" || text === "linearizable") return "linearizable";
  if (text === "s" || text === "serializable") return "serializable";
  throw new InvalidArgumentError("It must be l (linearizable) or s (serializable).");
}

/** @param {string} text */
export function parseFormat(text) {
  if (text === "simple" || text === "json") return text;
  throw new InvalidArgumentError("It must be simple or json.");
}

/**
 * @param {GlobalOptions} options
 * @param {NodeJS.ProcessEnv} env
 * @returns {import("./client.mjs").Connection}
 */
export function connectionOf(options, env) {
  const given = options.endpoints ?? options.endpoint ?? env["EDGED_ENDPOINT"];
  const endpoints = (given ?? DEFAULT_ENDPOINT).split(",").map((text) => parseEndpoint(text.trim()));
  return {
    endpoints,
    token: options.token ?? (env["EDGED_TOKEN"] || null),
    cluster: options.cluster ?? null,
    timeoutMs: options.commandTimeout ?? DEFAULT_TIMEOUT_MS,
  };
}

/**
 * A base URL without a slash at its end; `host:port` means http.
 * @param {string} text
 */
function parseEndpoint(text) {
  const url = tryUrl(withScheme(text));
  if (url === null || text === "" || !/^https?:$/.test(url.protocol)) {
    throw usageError(`"${text}" is no endpoint; write ${DEFAULT_ENDPOINT}`);
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** @param {string} text */
function withScheme(text) {
  return /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
}

/**
 * `URL.parse` is younger than the oldest Node this must run on.
 * @param {string} text
 */
function tryUrl(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
