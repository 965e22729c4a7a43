/** Folders that are gone when this process is, however it ends (but for SIGKILL). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

process.on("exit", () => {
  for (const folder of folders) remove(folder);
});

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(prefix: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  folders.add(path);
  return { path, remove: () => remove(path) };
}

function remove(path: string): void {
  folders.delete(path);
  rmSync(path, { recursive: true, force: true });
}
