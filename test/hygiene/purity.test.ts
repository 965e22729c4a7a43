import { expect, test } from "vitest";
import { runTool } from "./temporary-project.ts";

const IMPURE = [
  "export const a = Date.now();",
  "export const a = new Date();",
  "export const a = Math.random();",
  "export const a = crypto.randomUUID();",
  "setTimeout(() => {}, 1);",
  "queueMicrotask(() => {});",
  "console.log(1);",
  "export const a = new TextEncoder();",
  "export const a = Buffer.alloc(1);",
  "export const a = Promise.resolve(1);",
  "export async function a(): Promise<void> {}",
  "export const a = globalThis;",
  'export const a = "a".localeCompare("b");',
];
const PURE = [
  "export interface A { readonly date: Date; later(): Promise<void> }",
  "export const b = { Date: 1 }.Date;",
];
const PURE_FOLDERS = ["base", "raft", "mvcc", "wire", "engine"];

const PROMISE = "declare function work(): Promise<number>;\n";
const FORGOTTEN = [`${PROMISE}work();`, `${PROMISE}[1].forEach(async () => { await work(); });`];
const REMEMBERED = [`${PROMISE}void work();`, `${PROMISE}work().catch(() => 1);`];
const PROMISE_FOLDERS = ["src/durable", "src/gateway", "test", "scripts"];

const TSCONFIG = JSON.stringify({
  compilerOptions: { strict: true, target: "ES2024", lib: ["ES2024"], types: [], noEmit: true },
});

/** Runs the lint once over one file per snippet and folder; answers with the files that have a problem. */
function lint(folders: readonly string[], snippets: readonly string[]): ReadonlySet<string> {
  const files = folders.flatMap((folder) =>
    snippets.map((code, position) => [`${folder}/s${position}.ts`, `${code}\n`] as const),
  );
  const { output } = runTool(
    ["oxlint/bin/oxlint", "--type-aware", "--deny-warnings", "--format=json"],
    [".oxlintrc.json"],
    { ...Object.fromEntries(files), "tsconfig.json": TSCONFIG },
  );
  const report: { readonly diagnostics: readonly { readonly filename: string }[] } = JSON.parse(output);
  return new Set(report.diagnostics.map(({ filename }) => filename));
}

test("no pure folder may use time, chance, timers, platform or promises", () => {
  const folders = PURE_FOLDERS.map((folder) => `src/${folder}`);
  const found = lint(folders, [...IMPURE, ...PURE]);
  const expected = folders.flatMap((folder) => IMPURE.map((_, position) => `${folder}/s${position}.ts`));
  expect([...found].sort()).toEqual(expected.sort());
});

test("the other folders may", () => {
  expect(lint(["src/durable", "test"], ["export const a = Date.now() + Math.random();"]).size).toBe(0);
});

test("nobody may forget a promise", () => {
  const found = lint(PROMISE_FOLDERS, [...FORGOTTEN, ...REMEMBERED]);
  const expected = PROMISE_FOLDERS.flatMap((folder) =>
    FORGOTTEN.map((_, position) => `${folder}/s${position}.ts`),
  );
  expect([...found].sort()).toEqual(expected.sort());
});
