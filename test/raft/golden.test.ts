/**
 * Runs every story of golden/*.txt. GOLDEN_REWRITE=1 writes what comes out now into the files: read
 * the difference, and keep it only if you understand what caused it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runScript } from "./script/run-script.ts";

const FOLDER = join(import.meta.dirname, "golden");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

test.each(files)("%s", (name) => {
  const path = join(FOLDER, name);
  const text = readFileSync(path, "utf8");
  const actual = runScript(text);
  if (process.env["GOLDEN_REWRITE"] === "1") writeFileSync(path, actual);
  else expect(actual).toBe(text);
});
