/** Runs the project's TypeScript scripts: under the pinned Node, with everything installed. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled, pinnedNode, root } from "./install.mjs";
import { onStopSignal } from "./stop-signal.mjs";

/** The first Node that runs TypeScript files and has all that Miniflare needs. */
const NODE_MAJOR_MIN = 24;

/** Runs `path` (from the project's root) with this process's arguments, in this process when its Node will do. */
export async function runPinned(/** @type {string} */ path) {
  ensureInstalled();
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) {
    await import(pathToFileURL(join(root, path)).href);
    return;
  }
  const child = spawn(pinnedNode, [join(root, path), ...process.argv.slice(2)], { stdio: "inherit" });
  onStopSignal(
    () => child.kill("SIGTERM"),
    () => child.kill("SIGTERM"),
  );
  child.on("exit", (code) => process.exit(code ?? 1));
}
