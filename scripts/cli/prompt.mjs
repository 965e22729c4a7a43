// @ts-check
/** Questions to people, and lines of standard input. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CliError, EXIT, inputError } from "./errors.mjs";

/** @typedef {import("./program.mjs").Io} Io */

/**
 * One line after another; null at the end.
 * @param {NodeJS.ReadableStream} stdin
 */
export class LineReader {
  /** @type {AsyncIterator<string>} */
  #lines;

  /** @param {NodeJS.ReadableStream} stdin */
  constructor(stdin) {
    this.#lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]();
  }

  /** @returns {Promise<string | null>} */
  async next() {
    const { done, value } = await this.#lines.next();
    return done === true ? null : value;
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
    const line = await new LineReader(stdin).next();
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
