// @ts-check
/** `dev`, `cluster` and `bench`: programs that need the sources, and so a checkout. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { CliError } from "./errors.mjs";

/** Each with its script, and what it is called by npm. */
export const CHECKOUT_COMMANDS = /** @type {const} */ ({
  dev: {
    script: "start.mjs",
    npm: "npm start",
    description: "a whole cluster on this machine, for trying things",
  },
  cluster: { script: "cluster.mjs", npm: "npm run cluster", description: "a process for each replica" },
  bench: { script: "bench.mjs", npm: "npm run bench", description: "measure writes and reads" },
});

/** @typedef {keyof typeof CHECKOUT_COMMANDS} CheckoutCommand */

/**
 * Runs until it ends or is stopped; answers its exit code.
 * @param {CheckoutCommand} name
 * @param {readonly string[]} args its own
 * @returns {Promise<number>}
 */
export async function runFromCheckout(name, args) {
  const { script, npm } = CHECKOUT_COMMANDS[name];
  const file = new URL(`../${script}`, import.meta.url);
  if (!existsSync(file)) {
    throw new CliError(`edged ${name} needs edged's sources, which this package has not`, 1, {
      hint: `in a checkout of edged: ${npm}`,
    });
  }
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], { stdio: "inherit" });
  const stop = () => void child.kill("SIGTERM");
  onStopSignal(stop, stop);
  return new Promise((ended) => {
    child.on("exit", (code) => ended(code ?? 1));
  });
}
