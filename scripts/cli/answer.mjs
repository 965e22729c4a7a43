// @ts-check
/** An answer of the gateway, in time or not, and what it says. */
import { CliError, EXIT } from "./errors.mjs";
import { isMessage, text } from "./message.mjs";
import { bodyLines, bodyText, causeOf } from "./transport.mjs";

/** @typedef {import("./message.mjs").Message} Message */

/** How long an exchange may take, and whether somebody gave it up before. */
export class Patience {
  #controller = new AbortController();
  #isLate = false;
  /** @type {NodeJS.Timeout | null} */
  #timer = null;

  /**
   * @param {number | null} timeoutMs
   * @param {AbortSignal} outer
   */
  constructor(timeoutMs, outer) {
    this.timeoutMs = timeoutMs;
    this.outer = outer;
    this.abort = () => this.#controller.abort();
    if (outer.aborted) this.abort();
    else outer.addEventListener("abort", this.abort, { once: true });
    if (timeoutMs === null) return;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.abort();
    }, timeoutMs);
  }

  get signal() {
    return this.#controller.signal;
  }

  get isOver() {
    return this.signal.aborted;
  }

  /**
   * @param {string} base
   * @param {boolean} isWrite
   */
  error(base, isWrite) {
    this.end();
    if (!this.#isLate) return new CliError("interrupted", EXIT.interrupted);
    const write = isWrite ? "; the write may or may not have taken effect" : "";
    return new CliError(`no answer from ${base} within ${this.timeoutMs} ms${write}`, EXIT.failure, {
      hint: "--command-timeout waits longer",
    });
  }

  end() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.outer.removeEventListener("abort", this.abort);
  }
}

/** An answer whose body has yet to come. */
export class Answer {
  /**
   * @param {string} url
   * @param {import("node:http").IncomingMessage} response
   * @param {Patience} patience
   */
  constructor(url, response, patience) {
    this.url = url;
    this.response = response;
    this.patience = patience;
    this.status = response.statusCode ?? 0;
  }

  async text() {
    try {
      return await bodyText(this.response);
    } catch (error) {
      if (this.patience.isOver) throw this.patience.error(this.url, true);
      throw broken(this.url, error);
    } finally {
      this.patience.end();
    }
  }

  async *lines() {
    try {
      yield* bodyLines(this.response);
    } catch (error) {
      if (this.patience.isOver) throw this.patience.error(this.url, false);
      throw new CliError(`the connection to ${this.url} broke (${causeOf(error)})`, EXIT.connection);
    } finally {
      this.response.destroy();
      this.patience.end();
    }
  }

  /** What an answer that is an error says. */
  async refusal() {
    const body = await this.text();
    try {
      const message = JSON.parse(body);
      if (isMessage(message)) return refusal(message, this.status);
    } catch {
      // Not edged's, then.
    }
    return notEdged(this);
  }
}

/**
 * @param {string} body
 * @param {Answer} answer
 * @returns {Message}
 */
export function parseMessage(body, answer) {
  try {
    const message = JSON.parse(body);
    if (isMessage(message)) return message;
  } catch {
    // Not edged's, then.
  }
  throw notEdged(answer);
}

/** @param {Answer} answer */
function notEdged({ status, url }) {
  return new CliError(`${url} answered ${status} with something that is not edged's`, EXIT.failure, {
    hint: "is the address right? --endpoints URL or EDGED_ENDPOINT",
  });
}

/**
 * @param {Message} body
 * @param {number} status
 */
export function refusal(body, status) {
  const message = text(body, "message") || text(body, "error") || `the answer was ${status}`;
  const code = body["code"] ?? body["grpc_code"];
  const hint = hintFor(message, status);
  return new CliError(message, EXIT.failure, {
    ...(hint === null ? {} : { hint }),
    ...(typeof code === "number" ? { grpcCode: code } : {}),
  });
}

/**
 * @param {string} message
 * @param {number} status
 */
function hintFor(message, status) {
  if (message === "etcdserver: user name is empty")
    return "sign in with --user NAME[:PASSWORD] or EDGED_USER";
  if (message.startsWith("etcdserver:")) return null;
  return status === 401 ? "the deployment's token: --token TOKEN or EDGED_TOKEN" : null;
}

/**
 * @param {string} endpoint
 * @param {unknown} error
 */
export function broken(endpoint, error) {
  return new CliError(
    `the connection to ${endpoint} broke (${causeOf(error)}): the write may or may not have taken effect`,
    EXIT.connection,
  );
}
