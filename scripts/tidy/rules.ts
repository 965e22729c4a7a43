/**
 * House rules that no off-the-shelf tool checks. Each rule looks at one file and says what is wrong,
 * where, and what to do instead. Import direction is .dependency-cruiser.cjs, forbidden globals and
 * promises are .oxlintrc.json, formatting and function length are biome.json.
 */
import { parseSync, Visitor } from "oxc-parser";

export interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export const FILE_LINES_MAX = 500;

const REPLICATED = /^src\/(raft|mvcc|engine|storage)\//;
const FILE_NAME = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$/;

/** SQL whose result differs between replicas, or between a run and its replay. */
const UNSTABLE_SQL: readonly (readonly [RegExp, string])[] = [
  [/\brandom(blob)?\s*\(/i, "chance differs between replicas; put the value into the log entry"],
  [
    /\bcurrent_(time|date|timestamp)\b/i,
    "clocks differ between replicas; the leader puts the time into the entry",
  ],
  [
    /\b(unixepoch|julianday|strftime|datetime)\s*\(/i,
    "clocks differ between replicas; the leader puts the time into the entry",
  ],
  [
    /\bautoincrement\b/i,
    "hidden state that a snapshot does not carry; number the rows from replicated state",
  ],
  [/\blast_insert_rowid\s*\(/i, "row ids are not replicated state; number the rows from replicated state"],
];

/** Every problem of one file, in the order of the rules. */
export function checkFile(file: SourceFile): readonly Problem[] {
  return [...checkName(file), ...checkLength(file), ...checkMarkers(file), ...checkSql(file)];
}

function checkName(file: SourceFile): readonly Problem[] {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  if (FILE_NAME.test(name)) return [];
  return [{ path: file.path, line: 1, message: `file names are kebab-case, "${name}" is not` }];
}

function checkLength(file: SourceFile): readonly Problem[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  if (lines <= FILE_LINES_MAX) return [];
  const message = `${lines} lines; split the file, ${FILE_LINES_MAX} is the limit`;
  return [{ path: file.path, line: FILE_LINES_MAX + 1, message }];
}

function checkMarkers(file: SourceFile): readonly Problem[] {
  const marker = ["FIX", "ME"].join("");
  const problems: Problem[] = [];
  for (const [position, line] of file.text.split("\n").entries()) {
    if (line.includes(marker)) {
      problems.push({
        path: file.path,
        line: position + 1,
        message: `${marker} left over: fix it or open an issue`,
      });
    }
  }
  return problems;
}

function checkSql(file: SourceFile): readonly Problem[] {
  if (!REPLICATED.test(file.path)) return [];
  const problems: Problem[] = [];
  for (const literal of stringLiterals(file)) {
    for (const [pattern, why] of UNSTABLE_SQL) {
      const match = pattern.exec(literal.value);
      if (match === null) continue;
      const line = file.text.slice(0, literal.start).split("\n").length;
      problems.push({ path: file.path, line, message: `"${match[0]}" in SQL: ${why}` });
    }
  }
  return problems;
}

interface StringLiteral {
  readonly value: string;
  readonly start: number;
}

function stringLiterals(file: SourceFile): readonly StringLiteral[] {
  const found: StringLiteral[] = [];
  const visitor = new Visitor({
    Literal(node) {
      if (typeof node.value === "string") found.push({ value: node.value, start: node.start });
    },
    TemplateElement(node) {
      found.push({ value: node.value.raw, start: node.start });
    },
  });
  visitor.visit(parseSync(file.path, file.text).program);
  return found;
}
