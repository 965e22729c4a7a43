import { renameSync, writeFileSync } from "node:fs";

/** Writes a file as a whole: a process that reads it meanwhile sees the old text or the new one. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text);
  renameSync(draft, path);
}
