/** Tables and plots of the documentation that are made by measuring. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..", "..");
const PAGE = join(ROOT, "docs", "performance.md");
const PLOTS = join(ROOT, "docs", "plots");

/** Replaces what stands between the two marks of this name, which must be there. */
export function replaceMarked(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md has no marks "${begin}" and "${end}"`);
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n${page.slice(to)}`;
}

/** Writes one part of docs/performance.md anew. */
export function writePart(name: string, text: string): void {
  writeFileSync(PAGE, replaceMarked(readFileSync(PAGE, "utf8"), name, text));
}

/** Writes docs/plots/NAME.svg; answers its place as docs/performance.md links to it. */
export function writePlot(name: string, svg: string): string {
  mkdirSync(PLOTS, { recursive: true });
  writeFileSync(join(PLOTS, `${name}.svg`), svg);
  return `plots/${name}.svg`;
}
