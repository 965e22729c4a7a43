import { expect, test } from "vitest";
import { checkFile, FILE_LINES_MAX } from "../../scripts/tidy/rules.ts";

function messages(path: string, text: string): readonly string[] {
  return checkFile({ path, text }).map((problem) => `${problem.line}: ${problem.message}`);
}

test("a clean file has no problems", () => {
  expect(
    messages("src/mvcc/key-table.ts", 'export const sql = "SELECT key FROM kv ORDER BY key";\n'),
  ).toEqual([]);
});

test.each([
  "SELECT random()",
  "INSERT INTO a VALUES (RANDOMBLOB(8))",
  "SELECT CURRENT_TIMESTAMP",
  "SELECT unixepoch('now')",
  "SELECT strftime ('%s')",
  "CREATE TABLE a (b INTEGER PRIMARY KEY AUTOINCREMENT)",
  "SELECT last_insert_rowid()",
])("SQL that differs between replicas is refused: %s", (sql) => {
  for (const folder of ["raft", "mvcc", "engine", "storage"]) {
    expect(messages(`src/${folder}/a.ts`, `\nexport const sql = ${JSON.stringify(sql)};\n`)).toHaveLength(1);
    expect(messages(`src/${folder}/a.ts`, `\nexport const sql = \`${sql} \${1}\`;\n`)[0]).toMatch(/^2: /);
  }
});

test("chance outside of SQL is not this rule's business, nor are comments and other folders", () => {
  expect(messages("src/mvcc/a.ts", "// never random() here\nexport const a = prng.random();\n")).toEqual([]);
  expect(messages("scripts/a.ts", 'export const a = "random()";\n')).toEqual([]);
});

test("a file of the longest length passes, one line more does not", () => {
  expect(messages("src/base/a.ts", "\n".repeat(FILE_LINES_MAX))).toEqual([]);
  expect(messages("src/base/a.ts", "\n".repeat(FILE_LINES_MAX + 1))).toEqual([
    `501: 501 lines; split the file, 500 is the limit`,
  ]);
});

test("file names are kebab-case", () => {
  expect(messages("src/base/fooBar.ts", "")).toHaveLength(1);
  expect(messages("src/base/foo_bar.ts", "")).toHaveLength(1);
  expect(messages("test/a/foo-bar.test.ts", "")).toEqual([]);
});

test("left-over markers are found", () => {
  expect(messages("src/base/a.ts", `\n// ${"FIX"}${"ME"} later\n`)[0]).toMatch(/^2: /);
});
