// @ts-check
/** The plain HTTP dialect as functions. Connections that cannot be made go to the next endpoint. */
import { randomUUID } from "node:crypto";
import { CliError, usageError } from "./errors.mjs";

/**
 * @typedef {object} Connection
 * @property {readonly string[]} endpoints base URLs, tried in turn
 * @property {string | null} token
 * @property {string | null} cluster null for the one at the root
 * @property {number} timeoutMs for a whole command's request, waiting included
 */

/**
 * @typedef {object} Call
 * @property {string} path below the cluster, starting with a slash
 * @property {string} [method]
 * @property {Uint8Array<ArrayBuffer>} [body]
 * @property {boolean} [acceptMissing] 404 from a replica is an answer and no error
 */

/** Errors of a connection that never came about: the request was not sent. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * A key as one path segment. Slashes are escaped too, so that nobody on the way takes dots between
 * them for directories.
 * @param {string} key
 */
export function keyPath(key) {
  if (key === "") throw usageError('the key is empty; use --prefix with "" for all keys');
  if (key === "." || key === "..") {
    throw usageError(`the key "${key}" cannot be put into a URL; choose another name`);
  }
  return `/kv/${encodeURIComponent(key)}`;
}

/**
 * @param {Connection} connection
 * @param {Call} call
 * @returns {Promise<Response>}
 */
export async function request(connection, { path, method = "GET", body, acceptMissing = false }) {
  const headers = new Headers();
  if (connection.token !== null) headers.set("Authorization", `Bearer ${connection.token}`);
  // The same at every endpoint: whatever happened to an earlier attempt, it is applied once.
  if (method !== "GET") headers.set("Idempotency-Key", randomUUID());
  const prefix = connection.cluster === null ? "" : `/clusters/${encodeURIComponent(connection.cluster)}`;
  const signal = AbortSignal.timeout(connection.timeoutMs);
  /** @type {string[]} */
  const failures = [];
  for (const endpoint of connection.endpoints) {
    try {
      const init = body === undefined ? {} : { body };
      const response = await fetch(endpoint + prefix + path, { method, headers, signal, ...init });
      if (response.ok || (acceptMissing && response.status === 404 && isFromReplica(response)))
        return response;
      throw await refusal(response);
    } catch (error) {
      if (error instanceof CliError) throw error;
      if (error instanceof Error && error.name === "TimeoutError")
        throw timedOut(endpoint, method, connection);
      failures.push(`${endpoint} (${causeOf(error)})`);
      if (method !== "GET" && !isUnsent(error)) throw broken(endpoint, error);
    }
  }
  throw new CliError(
    `cannot connect to ${failures.join(", ")}: is \`npm start\` running? Another address: --endpoint URL or EDGED_ENDPOINT`,
  );
}

/**
 * The JSON body of a successful answer.
 * @param {Connection} connection
 * @param {Call} call
 * @returns {Promise<unknown>}
 */
export async function requestJson(connection, call) {
  const response = await request(connection, call);
  try {
    return await response.json();
  } catch {
    throw notEdged(response);
  }
}

/**
 * Whether a replica has answered: the gateway says then at which revision.
 * @param {Response} response
 */
export function isFromReplica(response) {
  return response.headers.has("X-Edged-Revision");
}

/** @param {Response} response */
export function notEdged({ status, url }) {
  return new CliError(`${url} answered ${status} with something that is not edged's; is the address right?`);
}

/** @param {unknown} error */
function isUnsent(error) {
  return NOT_SENT.has(codeOf(error)) || causeOf(error) === "bad port";
}

/**
 * @param {string} endpoint
 * @param {string} method
 * @param {Connection} connection
 */
function timedOut(endpoint, method, connection) {
  const write = method === "GET" ? "" : "; the write may or may not have taken effect";
  return new CliError(
    `no answer from ${endpoint} within ${connection.timeoutMs} ms${write} (--command-timeout waits longer)`,
  );
}

/**
 * @param {string} endpoint
 * @param {unknown} error
 */
function broken(endpoint, error) {
  return new CliError(
    `the connection to ${endpoint} broke (${causeOf(error)}): the write may or may not have taken effect`,
  );
}

/**
 * What an answer that is an error says.
 * @param {Response} response
 */
async function refusal(response) {
  const message = messageOf(await response.text());
  if (message === null) return notEdged(response);
  const hint = response.status === 401 ? " (here: --token TOKEN or EDGED_TOKEN)" : "";
  return new CliError(message + hint);
}

/**
 * @param {string} text
 * @returns {string | null}
 */
function messageOf(text) {
  try {
    const body = JSON.parse(text);
    return typeof body?.message === "string" ? body.message : null;
  } catch {
    return null;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

/** @param {unknown} error */
function causeOf(error) {
  const code = codeOf(error);
  if (code !== "") return code;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
