// @ts-check
/** What may go wrong, each with its exit code: etcdctl's. */

export const EXIT = /** @type {const} */ ({
  ok: 0,
  failure: 1,
  /** Nobody answers there. */
  connection: 2,
  /** Standard input cannot be understood. */
  input: 3,
  /** The output format is not there for this command. */
  feature: 4,
  interrupted: 5,
  /** The command line is wrong. */
  usage: 128,
});

/** Ends the command with `Error: message` on standard error. */
export class CliError extends Error {
  /**
   * @param {string} message what is wrong, in etcd's own words where they are etcd's
   * @param {number} [exitCode]
   * @param {{ hint?: string, grpcCode?: number }} [more] what to do about it, on a line of its own
   */
  constructor(message, exitCode = EXIT.failure, { hint, grpcCode } = {}) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.hint = hint ?? null;
    this.grpcCode = grpcCode ?? null;
  }
}

/**
 * The command line itself is wrong.
 * @param {string} message
 */
export function usageError(message) {
  return new CliError(message, EXIT.usage);
}

/**
 * @param {string} message
 */
export function inputError(message) {
  return new CliError(message, EXIT.input);
}

/** @param {unknown} error */
export function errorText(error) {
  return error instanceof Error ? error.message : String(error);
}
