// @ts-check
/** Questions to people, and lines of standard input. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CliError, EXIT, inputError } from "./errors.mjs";

/** @typedef {import("./program.mjs").Io} Io */

/** Standard input, one line after another. */
export class LineReader {
  #interface;
  #lines;

  /** @param {NodeJS.ReadableStream} stdin */
  constructor(stdin) {
    this.#interface = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  /** @returns {Promise<string | null>} null at the end */
  async next() {
    const { done, value } = await this.#lines.next();
    return done === true ? null : value;
  }

  /** Lets the program end although a terminal or a pipe could say more. */
  close() {
    this.#interface.close();
  }
}

/**
 * A password that nobody sees while it is typed. Without a terminal it is the first line of standard
 * input.
 * @param {Io} io
 * @param {string} prompt
 * @returns {Promise<string>}
 */
export async function askPassword({ stdin, stderr }, prompt) {
  const isTerminal = "isTTY" in stdin && stdin.isTTY === true;
  if (!isTerminal) {
    const lines = new LineReader(stdin);
    const line = await lines.next();
    lines.close();
    if (line === null) throw inputError("no password on standard input");
    return line;
  }
  stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => reject(new CliError("interrupted", EXIT.interrupted)));
      lines.once("close", () => reject(inputError("no password")));
    });
  } finally {
    lines.close();
    stderr.write("\n");
  }
}

/**
 * @param {NodeJS.ReadableStream} stdin
 * @returns {Promise<Buffer>}
 */
export async function readAll(stdin) {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
