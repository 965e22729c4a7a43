// @ts-check
/** Programs that are started for an event or while a lock is held. */
import { spawn } from "node:child_process";

/** @typedef {import("./program.mjs").Io} Io */

/**
 * Runs it to its end with more variables in its environment; answers how it ended, null for well.
 * @param {Io} io
 * @param {readonly string[]} command
 * @param {Record<string, string>} variables
 * @param {AbortSignal} signal asks it to end
 * @returns {Promise<string | null>}
 */
export function runCommand(io, [program = "", ...args], variables, signal) {
  // What goes to the terminal goes there directly; anything else is passed on.
  const isDirect = io.stdout === process.stdout;
  const child = spawn(program, args, {
    env: { ...io.env, ...variables },
    stdio: isDirect ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  child.stdout?.on("data", (chunk) => io.stdout.write(chunk));
  child.stderr?.on("data", (chunk) => io.stderr.write(chunk));
  const stop = () => void child.kill("SIGTERM");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve) => {
    const end = (/** @type {string | null} */ how) => {
      signal.removeEventListener("abort", stop);
      resolve(how);
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, by) =>
      end(code === 0 ? null : code === null ? `signal: ${by}` : `exit status ${code}`),
    );
  });
}
