// @ts-check
/**
 * One HTTP exchange. Node's own client rather than `fetch`: a lock may take hours to come, and `fetch`
 * gives up a silent answer after five minutes.
 */
import http from "node:http";
import https from "node:https";

/**
 * @typedef {object} TlsFiles what was in the files, PEM
 * @property {Buffer} [ca]
 * @property {Buffer} [cert]
 * @property {Buffer} [key]
 * @property {boolean} rejectUnauthorized
 */

/**
 * @typedef {object} HttpRequest
 * @property {string} url
 * @property {string} method
 * @property {Record<string, string>} headers
 * @property {Uint8Array | null} body
 * @property {TlsFiles} tls
 * @property {http.Agent | null} [agent] null for a connection of its own
 * @property {AbortSignal} signal ends the answer's body, too
 */

/** Errors of a connection that never came about: the request was not sent. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * @param {HttpRequest} request
 * @returns {Promise<http.IncomingMessage>}
 */
export function send({ url, method, headers, body, tls, agent = null, signal }) {
  const isTls = url.startsWith("https:");
  const options = { method, headers, signal, agent: agent ?? false, ...(isTls ? tls : {}) };
  return new Promise((resolve, reject) => {
    const request = (isTls ? https : http).request(url, options, resolve);
    request.on("error", reject);
    if (body !== null) request.setHeader("Content-Length", String(body.length));
    request.end(body ?? undefined);
  });
}

/** @param {http.IncomingMessage} response */
export async function bodyText(response) {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/**
 * The lines of an answer that has no end, each as soon as it is there.
 * @param {http.IncomingMessage} response
 */
export async function* bodyLines(response) {
  /** @type {Buffer[]} */
  let started = [];
  for await (const piece of response) {
    let chunk = Buffer.from(piece);
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10)) {
      const line = Buffer.concat([...started, chunk.subarray(0, end)]).toString();
      started = [];
      chunk = chunk.subarray(end + 1);
      if (line.trim() !== "") yield line;
    }
    if (chunk.length > 0) started.push(chunk);
  }
  const rest = Buffer.concat(started).toString();
  if (rest.trim() !== "") yield rest;
}

/** @param {unknown} error */
export function isUnsent(error) {
  return NOT_SENT.has(codeOf(error));
}

/** @param {unknown} error */
function codeOf(error) {
  // What was tried on several addresses of a name has the error of each.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error && "code" in first ? String(first.code) : "";
}

/** @param {unknown} error */
export function causeOf(error) {
  return codeOf(error) || (error instanceof Error ? error.message : String(error));
}
