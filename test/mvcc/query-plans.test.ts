import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import { KV_STATEMENTS } from "../../src/mvcc/kv-statements.ts";
import { MEMORY_STATEMENTS } from "../../src/mvcc/memory-statements.ts";
import { MVCC_SCHEMA } from "../../src/mvcc/schema.ts";
import { HISTORY_STATEMENTS } from "../../src/mvcc/watch/history.ts";
import { bytes } from "./harness.ts";

/** Serving statements of a generation, by name. Export and hashes walk history on purpose. */
const serving: readonly (readonly [string, string])[] = ([0, 1] as const).flatMap((generation) => {
  const { bounded, open, ...single } = KV_STATEMENTS[generation];
  const { page: memoryPage, ...memory } = MEMORY_STATEMENTS[generation];
  const groups = { ...single, ...memory, memoryPage, ...HISTORY_STATEMENTS[generation] };
  return [
    ...Object.entries(groups),
    ...Object.entries(bounded).map(([name, text]) => [`bounded ${name}`, text] as const),
    ...Object.entries(open).map(([name, text]) => [`open ${name}`, text] as const),
  ].map(([name, text]) => [`${name} of generation ${generation}`, text] as const);
});

describe("the plans of what is asked while serving", () => {
  let database: DatabaseSync;

  beforeAll(() => {
    database = new DatabaseSync(":memory:");
    for (const statement of MVCC_SCHEMA) database.exec(statement);
  });

  it.each(serving)("%s reads no table but by index", (_name, text) => {
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    const scans = plan.filter((line) => /^SCAN (?!keys$|CONSTANT ROW$)/.test(line));
    expect(scans, plan.join("\n")).toEqual([]);
    expect(
      plan.filter((line) => /TEMP B-TREE|MATERIALIZE/.test(line)),
      plan.join("\n"),
    ).toEqual([]);
    expect(plan.some((line) => line.startsWith("SEARCH")) || text.startsWith("INSERT")).toBe(true);
  });

  it("the plan of a full scan would be noticed", () => {
    const plan = database.prepare("EXPLAIN QUERY PLAN SELECT key FROM kv_0 WHERE main = 1").all();
    expect(String(plan[0]?.["detail"])).toMatch(/^SCAN (?!keys$)/);
  });
});

describe("the work of a page", () => {
  it.each(["page", "pageWithValues"] as const)("%s looks at no key beyond its limit", (name) => {
    const database = new DatabaseSync(":memory:");
    for (const statement of MVCC_SCHEMA) database.exec(statement);
    const insert = database.prepare(KV_STATEMENTS[0].insert);
    for (let ord = 1; ord <= 3_000; ord += 1) {
      insert.run(ord, ord, 0, bytes(`k${ord % 1_000}`), ord, 1, null, bytes("v"));
    }
    let looked = 0;
    database.function("looked_at", (version) => {
      looked += 1;
      return version;
    });
    const text = KV_STATEMENTS[0].bounded[name].replace("v.version > 0", "looked_at(v.version) > 0");
    const limits = name === "page" ? [5] : [5, 1_000_000];
    const rows = database.prepare(text).all(bytes("k"), bytes("l"), 3_000, ...limits);
    expect(rows).toHaveLength(5);
    expect(looked).toBe(5);
  });
});
