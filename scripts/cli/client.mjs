// @ts-check
/** The gateway as functions. Connections that cannot be made go to the next endpoint. */
import { randomUUID } from "node:crypto";
import { Answer, broken, Patience, parseMessage, refusal } from "./answer.mjs";
import { CliError, EXIT } from "./errors.mjs";
import { isMessage, text } from "./message.mjs";
import { causeOf, isUnsent, send } from "./transport.mjs";

/** @typedef {import("./message.mjs").Message} Message */

/**
 * @typedef {object} Connection
 * @property {readonly string[]} endpoints base URLs, tried in turn
 * @property {readonly string[]} names the same as they were given
 * @property {string | null} token the deployment's
 * @property {{ name: string, password: () => Promise<string> } | null} user
 * @property {string | null} cluster null for the one at the root
 * @property {number} timeoutMs for a whole command's request, waiting included
 * @property {import("./transport.mjs").TlsFiles} tls
 */

/**
 * @typedef {object} CallOptions
 * @property {boolean} [isWrite] it may not be sent again once it may have arrived
 * @property {string} [endpoint] this one only
 * @property {string} [replica] the one that serves it
 * @property {number | null} [timeoutMs] null for as long as it takes
 * @property {AbortSignal} [signal]
 * @property {import("node:http").Agent} [agent]
 */

export const GRPC = /** @type {const} */ ({
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
});
const NOT_ENABLED = "etcdserver: authentication is not enabled";
const IS_JSON = /^\/(v3\/|etcdserverpb\.)/;
const NEVER = new AbortController().signal;

export class Client {
  /** @type {string | null} */
  #userToken = null;
  #signedIn = false;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
  }

  /**
   * One of etcd's methods, by its path below `/v3/`.
   * @param {string} method
   * @param {Message} request
   * @param {CallOptions} [options]
   * @returns {Promise<Message>}
   */
  async call(method, request, options = {}) {
    const body = Buffer.from(JSON.stringify(request));
    const response = await this.#open(`/v3/${method}`, body, options);
    return parseMessage(await response.text(), response);
  }

  /**
   * A method that etcd's JSON has not, by gRPC's name: `Maintenance/HashKV`. The answer's fields are
   * named as everywhere.
   * @param {string} name
   * @param {Message} request
   * @param {CallOptions} [options]
   * @returns {Promise<Message>}
   */
  async rpc(name, request, options = {}) {
    const body = Buffer.from(JSON.stringify(request));
    const response = await this.#open(`/etcdserverpb.${name}`, body, options);
    return withSnakeCase(parseMessage(await response.text(), response));
  }

  /**
   * The answers of a stream, without end unless it is aborted or breaks.
   * @param {string} method
   * @param {Message} request
   * @param {CallOptions} [options]
   * @returns {AsyncGenerator<Message, void>}
   */
  async *stream(method, request, options = {}) {
    const body = Buffer.from(`${JSON.stringify(request)}\n`);
    const response = await this.#open(`/v3/${method}`, body, { timeoutMs: null, ...options });
    for await (const line of response.lines()) {
      const message = parseMessage(line, response);
      if (isMessage(message["error"])) throw refusal(message["error"], 200);
      if (isMessage(message["result"])) yield message["result"];
    }
  }

  /**
   * A path of the plain dialect.
   * @param {string} path
   * @returns {Promise<Message>}
   */
  async get(path) {
    const response = await this.#open(path, null, {});
    return parseMessage(await response.text(), response);
  }

  /**
   * A write of the plain dialect.
   * @param {string} path
   * @param {Uint8Array} body
   * @returns {Promise<Message>}
   */
  async post(path, body) {
    const response = await this.#open(path, body, { isWrite: true });
    return parseMessage(await response.text(), response);
  }

  /**
   * @param {string} path
   * @param {Uint8Array | null} body
   * @param {CallOptions} options
   */
  async #open(path, body, options) {
    const { connection } = this;
    if (connection.user !== null && !this.#signedIn) await this.#signIn(connection.user);
    try {
      return await this.#exchange(path, body, options);
    } catch (error) {
      const isExpired = error instanceof CliError && error.grpcCode === GRPC.unauthenticated;
      if (connection.user === null || !isExpired) throw error;
      await this.#signIn(connection.user);
      return this.#exchange(path, body, options);
    }
  }

  /** @param {{ name: string, password: () => Promise<string> }} user */
  async #signIn({ name, password }) {
    this.#userToken = null;
    const body = Buffer.from(JSON.stringify({ name, password: await password() }));
    try {
      const response = await this.#exchange("/v3/auth/authenticate", body, {});
      this.#userToken = text(parseMessage(await response.text(), response), "token");
    } catch (error) {
      // As etcdctl: who signs in where nobody needs to may go on.
      if (!(error instanceof CliError) || error.message !== NOT_ENABLED) throw error;
    }
    this.#signedIn = true;
  }

  /**
   * @param {string} path
   * @param {Uint8Array | null} body
   * @param {CallOptions} options
   */
  async #exchange(path, body, { isWrite = false, endpoint, replica, agent, ...options }) {
    const { connection } = this;
    const timeoutMs = options.timeoutMs === undefined ? connection.timeoutMs : options.timeoutMs;
    const headers = this.#headers(body, IS_JSON.test(path), isWrite, replica);
    const prefix = connection.cluster === null ? "" : `/clusters/${encodeURIComponent(connection.cluster)}`;
    const patience = new Patience(timeoutMs, options.signal ?? NEVER);
    const endpoints = endpoint === undefined ? connection.endpoints : [endpoint];
    /** @type {string[]} */
    const failures = [];
    for (const [position, base] of endpoints.entries()) {
      const target = { url: base + prefix + path, method: body === null ? "GET" : "POST", headers, body };
      try {
        const response = await send({
          ...target,
          tls: connection.tls,
          agent: agent ?? null,
          signal: patience.signal,
        });
        const answer = new Answer(target.url, response, patience);
        if ((response.statusCode ?? 0) < 300) return answer;
        const error = await answer.refusal();
        const isLast = position === endpoints.length - 1;
        if (isWrite || isLast || error.grpcCode !== GRPC.unavailable) throw error;
      } catch (error) {
        if (error instanceof CliError) throw error;
        if (patience.isOver) throw patience.error(base, isWrite);
        failures.push(`${base} (${causeOf(error)})`);
        if (isWrite && !isUnsent(error)) throw broken(base, error);
      }
    }
    patience.end();
    throw new CliError(`cannot connect to ${failures.join(", ")}`, EXIT.connection, {
      hint: "is `npm start` running? Another address: --endpoints URL or EDGED_ENDPOINT",
    });
  }

  /**
   * @param {Uint8Array | null} body
   * @param {boolean} isJson
   * @param {boolean} isWrite
   * @param {string | undefined} replica
   */
  #headers(body, isJson, isWrite, replica) {
    const { token } = this.connection;
    /** @type {Record<string, string>} */
    const headers = {};
    if (body !== null && isJson) headers["Content-Type"] = "application/json";
    if (token !== null) headers["Authorization"] = `Bearer ${token}`;
    if (this.#userToken !== null) headers["Grpc-Metadata-Token"] = this.#userToken;
    // The same at every endpoint: whatever happened to an earlier attempt, it is applied once.
    if (isWrite) headers["Idempotency-Key"] = randomUUID();
    if (replica !== undefined) headers["X-Edged-Replica"] = replica;
    return headers;
  }
}

/**
 * @param {Message} message
 * @returns {Message}
 */
function withSnakeCase(message) {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      isMessage(value) ? withSnakeCase(value) : value,
    ]),
  );
}
