/**
 * Installs what the project needs, when it is missing or the lock file asks for other versions.
 * Plain JavaScript without packages: it runs on any Node from 20 on, before anything is installed.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const modules = join(root, "node_modules");

/** The Node the lock file pins. Wrangler, Miniflare and vitest need a newer one than many machines have. */
export const pinnedNode = join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");

/** Brings node_modules in line with package-lock.json; does nothing, quickly, when it already is. */
export function ensureInstalled() {
  const reason = reasonToInstall();
  if (reason !== null) {
    console.error(`edged: ${reason}; installing what package-lock.json names (about a minute) ...`);
    run(npmCommand(), ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  }
  if (!pinnedNodeWorks()) {
    // npm may be told not to run the install scripts of packages; this one brings the binary.
    console.error("edged: fetching the pinned Node ...");
    run([process.execPath], [join(modules, "node", "installArchSpecificPackage.js")], join(modules, "node"));
  }
  if (!pinnedNodeWorks()) fail(`the pinned Node (${pinnedNode}) does not run on this machine`);
}

function reasonToInstall() {
  const wanted = readJson(join(root, "package-lock.json"));
  if (wanted === null)
    fail("package-lock.json is missing or damaged: restore it with git checkout package-lock.json");
  const installed = readJson(join(modules, ".package-lock.json"));
  if (installed === null) return "nothing is installed yet";
  for (const [path, { version, optional }] of Object.entries(wanted.packages)) {
    if (path === "") continue;
    const present = installed.packages[path];
    // Optional packages are the other platforms' binaries: absent is fine, another version is not.
    if (present === undefined ? !optional : present.version !== version)
      return "package-lock.json has changed";
  }
  return null;
}

function pinnedNodeWorks() {
  return existsSync(pinnedNode) && spawnSync(pinnedNode, ["--version"]).status === 0;
}

/** npm as [program, ...arguments]: the one that runs us, or the one in the PATH. */
function npmCommand() {
  const path = process.env.npm_execpath;
  return path?.endsWith("npm-cli.js") ? [process.execPath, path] : ["npm"];
}

function run([program, ...first], rest, cwd = root) {
  try {
    // Standard output belongs to the command the user asked for.
    execFileSync(program, [...first, ...rest], {
      cwd,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32" && first.length === 0,
    });
  } catch {
    fail(`"${[program, ...first, ...rest].join(" ")}" failed; see above, then try again`);
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

function fail(message) {
  console.error(`edged: ${message}`);
  process.exit(1);
}
