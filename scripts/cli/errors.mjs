// @ts-check
/** What may go wrong, each with its exit code. */

export const EXIT = /** @type {const} */ ({ ok: 0, failure: 1, usage: 2 });

/** Ends the command with `edged: message` on standard error. */
export class CliError extends Error {
  /**
   * @param {string} message what is wrong and what to do
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = EXIT.failure) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/**
 * The command line itself is wrong.
 * @param {string} message
 */
export function usageError(message) {
  return new CliError(message, EXIT.usage);
}
