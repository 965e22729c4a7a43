// @ts-check
/** `edged bridge`: the program itself is TypeScript in a checkout, and one bundled file in the package. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onStopSignal } from "../lib/stop-signal.mjs";

const SOURCE = new URL("../bridge/main.ts", import.meta.url);
const BUNDLE = new URL("../../dist/bridge.mjs", import.meta.url);

/**
 * Serves until it is stopped; answers the exit code.
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export async function bridge(args) {
  if (existsSync(SOURCE)) return fromCheckout(args);
  const { main } = await import(BUNDLE.href);
  return main(args);
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
async function fromCheckout(args) {
  const { ensureInstalled, pinnedNode } = await import("../lib/install.mjs");
  ensureInstalled();
  const child = spawn(pinnedNode, [fileURLToPath(SOURCE), ...args], { stdio: "inherit" });
  const stop = () => void child.kill("SIGTERM");
  onStopSignal(stop, stop);
  return new Promise((ended) => {
    child.on("exit", (code) => ended(code ?? 1));
  });
}
