/** A copy of everything that a simulated run executes, in which a bug can be put and taken out again. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { applyEdit, type Mutant } from "./mutant.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const COPIED = ["package.json", "src", "scripts/sim", "test/sim", "test/raft"];

export class SourceCopy {
  readonly folder: string;
  /** What the changed files held before. */
  readonly #originals = new Map<string, string>();
  readonly #remove = (): void => rmSync(this.folder, { recursive: true, force: true });

  /** Copies the project, or another copy of it. */
  constructor(from: string = ROOT) {
    this.folder = mkdtempSync(path.join(tmpdir(), "edged-mutant-"));
    process.once("exit", this.#remove);
    for (const part of COPIED) {
      cpSync(path.join(from, part), path.join(this.folder, part), { recursive: true });
    }
    symlinkSync(path.join(ROOT, "node_modules"), path.join(this.folder, "node_modules"));
  }

  /** Puts the bug in. All of its edits, or an exception. */
  mutate({ edits }: Mutant): void {
    for (const edit of edits) {
      const file = path.join(this.folder, edit.file);
      const source = readFileSync(file, "utf8");
      const changed = applyEdit(source, edit);
      if (!this.#originals.has(file)) this.#originals.set(file, source);
      writeFileSync(file, changed);
    }
  }

  /** Takes it out again. */
  restore(): void {
    for (const [file, source] of this.#originals) writeFileSync(file, source);
    this.#originals.clear();
  }

  remove(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}
