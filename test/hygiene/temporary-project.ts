/** A throw-away folder shaped like the project, to see that a tool finds what it is there to find. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..", "..");

export interface ToolResult {
  readonly status: number | null;
  readonly output: string;
}

/** Runs one of the project's tools, given by its path in node_modules, on `files` and the named settings. */
export function runTool(
  tool: readonly [string, ...string[]],
  settings: readonly string[],
  files: Readonly<Record<string, string>>,
): ToolResult {
  const folder = mkdtempSync(join(tmpdir(), "edged-hygiene-"));
  try {
    for (const name of settings) cpSync(join(root, name), join(folder, name));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const [program, ...args] = tool;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "node_modules", program), ...args],
      { cwd: folder, encoding: "utf8" },
    );
    return { status, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
