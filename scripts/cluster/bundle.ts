/** Bundles a Worker entry into one module, as wrangler would, for Miniflare. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { parse } from "smol-toml";
import { replaceFile } from "./replace-file.ts";

const root = resolve(import.meta.dirname, "..", "..");

/** The runtime behaviour the Worker is written for, from wrangler.toml. */
export interface Compatibility {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: string[];
}

/** Bundles `entry` (from the project's root) and returns the text of one ES module. */
export async function bundleWorker(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [resolve(root, entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    sourcemap: "inline",
    // As in wrangler.toml: keeping them costs a call for every function that is made, at each making.
    keepNames: false,
    logLevel: "silent",
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return output.text;
}

/**
 * Writes the bundle of `entry` into `folder` and returns its path. The name holds a hash of the
 * contents, so that a member started later with other code leaves the earlier ones' file alone.
 */
export async function writeBundle(entry: string, folder: string): Promise<string> {
  const text = await bundleWorker(entry);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const path = join(folder, `worker-${hash}.mjs`);
  mkdirSync(folder, { recursive: true });
  replaceFile(path, text);
  return path;
}

/** Compatibility date and flags of wrangler.toml: every local runtime uses what a deployment would. */
export function readCompatibility(): Compatibility {
  const config = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const date = config["compatibility_date"];
  const flags = config["compatibility_flags"] ?? [];
  if (typeof date !== "string" || !Array.isArray(flags))
    throw new Error("wrangler.toml has no compatibility_date");
  return { compatibilityDate: date, compatibilityFlags: flags.map(String) };
}
