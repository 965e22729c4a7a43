// @ts-check
/** Reading options: what commander cannot check by itself. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { CliError, EXIT, errorText, usageError } from "./errors.mjs";
import { goQuote } from "./print/go.mjs";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
/** The gateway itself gives up after ten seconds and then knows more than a timeout here. */
const DEFAULT_TIMEOUT_MS = 15_000;
const UNIT_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);
const FORMATS = /** @type {const} */ (["simple", "json", "fields", "table"]);
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * @typedef {object} GlobalOptions
 * @property {string} [config]
 * @property {string} [endpoints]
 * @property {string} [token]
 * @property {string} [user]
 * @property {string} [password]
 * @property {string} [cluster]
 * @property {string} [cacert]
 * @property {string} [cert]
 * @property {string} [key]
 * @property {boolean} [insecureSkipTlsVerify]
 * @property {number} [commandTimeout]
 * @property {import("./print/output.mjs").Format} [writeOut]
 * @property {boolean} [json]
 * @property {boolean} [hex]
 */

/** @typedef {(setting: import("./config.mjs").Setting) => string | undefined} Fallback */

/** @param {string} text */
export function parseCount(text) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("It must be a whole number.");
  }
  return value;
}

/**
 * A revision, as the gateway takes it.
 * @param {string} text
 */
export function parseRevision(text) {
  if (!/^-?\d{1,19}$/.test(text) || BigInt(text) > MAX_INT64) {
    throw new InvalidArgumentError("It must be a whole number.");
  }
  return BigInt(text).toString();
}

/**
 * As etcdctl writes durations: 500ms, 5s, 1m.
 * @param {string} text
 */
export function parseDuration(text) {
  const parts = /^(\d{1,6})(ms|s|m|h)$/.exec(text);
  const unitMs = UNIT_MS.get(parts?.[2] ?? "");
  const value = Number(parts?.[1]) * (unitMs ?? Number.NaN);
  if (Number.isNaN(value) || value === 0) throw new InvalidArgumentError("Write it as 500ms, 5s or 1m.");
  return value;
}

/** @param {string} text */
export function parseFormat(text) {
  // `-w=json` reaches this as "=json".
  const format = FORMATS.find((name) => name === text.replace(/^=/, ""));
  if (format === undefined) {
    throw new CliError(`unsupported output format "${text}"; there are ${FORMATS.join(", ")}`, EXIT.feature);
  }
  return format;
}

/**
 * A lease's id as it is printed, in hexadecimal; a decimal string for the gateway.
 * @param {string} text
 * @param {string} what
 */
export function parseHexId(text, what) {
  const isHex = /^[0-9a-fA-F]{1,16}$/.test(text);
  if (!isHex)
    throw usageError(`bad ${what} (${goQuote(text)} is no hexadecimal number), expecting ID in Hex`);
  return BigInt(`0x${text}`).toString();
}

/**
 * @param {GlobalOptions} options
 * @param {Fallback} fallback
 * @param {(prompt: string) => Promise<string>} askPassword
 * @returns {import("./client.mjs").Connection}
 */
export function connectionOf(options, fallback, askPassword) {
  const given = options.endpoints ?? fallback("endpoints") ?? DEFAULT_ENDPOINT;
  const timeout = fallback("command-timeout");
  return {
    endpoints: given.split(",").map((text) => parseEndpoint(text.trim())),
    names: given.split(",").map((text) => text.trim()),
    token: options.token ?? fallback("token") ?? null,
    user: userOf(options, fallback, askPassword),
    cluster: options.cluster ?? fallback("cluster") ?? null,
    timeoutMs:
      options.commandTimeout ?? (timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout)),
    tls: tlsOf(options, fallback),
  };
}

/**
 * @param {GlobalOptions} options
 * @param {Fallback} fallback
 * @param {(prompt: string) => Promise<string>} askPassword
 */
function userOf(options, fallback, askPassword) {
  const given = options.user ?? fallback("user");
  if (given === undefined) return null;
  // A password of another place belongs to a user of that place.
  const separate = options.password ?? (options.user === undefined ? fallback("password") : undefined);
  const colon = given.indexOf(":");
  const name = colon < 0 || separate !== undefined ? given : given.slice(0, colon);
  /** @type {Promise<string> | null} */
  let asked = null;
  return {
    name,
    password: async () => {
      if (separate !== undefined) return separate;
      if (colon >= 0) return given.slice(colon + 1);
      asked ??= askPassword("Password: ");
      return asked;
    },
  };
}

/**
 * @param {GlobalOptions} options
 * @param {Fallback} fallback
 * @returns {import("./transport.mjs").TlsFiles}
 */
function tlsOf(options, fallback) {
  /** @param {"cacert" | "cert" | "key"} name */
  const read = (name) => {
    const path = options[name] ?? fallback(name);
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      throw usageError(`--${name}: ${errorText(error)}`);
    }
  };
  const [ca, cert, key] = [read("cacert"), read("cert"), read("key")];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: options.insecureSkipTlsVerify !== true,
  };
}

/**
 * A base URL without a slash at its end; `host:port` means http.
 * @param {string} text
 */
function parseEndpoint(text) {
  const url = tryUrl(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || text === "" || !/^https?:$/.test(url.protocol)) {
    throw usageError(`"${text}" is no endpoint; write ${DEFAULT_ENDPOINT}`);
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
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
