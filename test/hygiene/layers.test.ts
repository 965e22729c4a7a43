import { expect, test } from "vitest";
import { runTool } from "./temporary-project.ts";

const LAYERS = ["base", "wire", "raft", "mvcc", "engine", "storage", "transport", "durable", "gateway"];

/** One importing file each: the file, what it imports a type of, the rule it breaks (null for none). */
const IMPORTS: readonly (readonly [string, string, string | null])[] = [
  ["src/raft/good.ts", "../base/a.ts", null],
  ["src/engine/good.ts", "../mvcc/a.ts", null],
  ["src/durable/good.ts", "cloudflare:workers", null],
  ["src/gateway/good.ts", "../engine/replica-api.ts", null],
  ["src/storage/node-sql.ts", "node:sqlite", null],
  ["src/index.ts", "./gateway/a.ts", null],
  ["src/base/bad.ts", "../wire/a.ts", "layer-base"],
  ["src/wire/bad.ts", "../mvcc/a.ts", "layer-wire"],
  ["src/raft/bad.ts", "../mvcc/a.ts", "layer-raft"],
  ["src/mvcc/bad.ts", "../raft/a.ts", "layer-mvcc"],
  ["src/engine/bad.ts", "../storage/a.ts", "layer-engine"],
  ["src/storage/bad.ts", "../transport/a.ts", "layer-storage"],
  ["src/transport/bad.ts", "../storage/a.ts", "layer-transport"],
  ["src/durable/bad.ts", "../gateway/a.ts", "layer-durable"],
  ["src/gateway/bad.ts", "../engine/a.ts", "layer-gateway"],
  ["src/gateway/worse.ts", "../durable/a.ts", "layer-gateway"],
  ["src/gateway/worst.ts", "cloudflare:workers", "platform-module"],
  ["src/engine/worse.ts", "node:fs", "node-module"],
  ["src/storage/lost.ts", "./missing.ts", "unresolved"],
  ["src/durable/misc.ts", "../misc/a.ts", "unknown-folder"],
  ["src/raft/left.ts", "./right.ts", "no-cycle"],
  // A circle is reported once, where it was found first.
  ["src/raft/right.ts", "./left.ts", null],
];

const modules = [...LAYERS.map((layer) => `src/${layer}/a.ts`), "src/misc/a.ts", "src/engine/replica-api.ts"];
const { output, status } = runTool(
  ["dependency-cruiser/bin/dependency-cruise.mjs", "-c", ".dependency-cruiser.cjs", "src"],
  [".dependency-cruiser.cjs"],
  Object.fromEntries([
    ...modules.map((path) => [path, "export interface A { readonly a: 1 }\n"]),
    ...IMPORTS.map(([from, to]) => [from, `import type { A } from "${to}";\nexport type B = A;\n`]),
  ]),
);
const broken = [...output.matchAll(/error ([\w-]+): (\S+)/g)];

test.each(IMPORTS)("%s importing %s breaks the rule %s", (path, _, rule) => {
  const rules = broken.filter((match) => match[2] === path).map((match) => match[1]);
  if (rule === null) expect(rules).toEqual([]);
  else expect(rules).toContain(rule);
});

test("any broken rule fails the whole check", () => {
  expect(status).toBeGreaterThan(0);
});
