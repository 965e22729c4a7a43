import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOG_CASES } from "./log.suite.ts";
import { SQL_CASES } from "./sql.suite.ts";

describe("the Sql port on Durable Object SQLite", () => {
  let miniflare: Miniflare;

  beforeAll(async () => {
    const bundled = await build({
      entryPoints: [fileURLToPath(new URL("../worker/entry/sql-worker.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2024",
      external: ["cloudflare:workers"],
    });
    miniflare = new Miniflare({
      modules: true,
      script: bundled.outputFiles[0]?.text ?? "",
      compatibilityDate: "2026-07-30",
      durableObjects: { SUITE: { className: "SqlSuite", useSQLite: true } },
    });
    await miniflare.ready;
  });

  afterAll(async () => {
    await miniflare.dispose();
  });

  it.each([...SQL_CASES, ...LOG_CASES])("$name", async ({ name }) => {
    const response = await miniflare.dispatchFetch("http://suite/", { method: "POST", body: name });
    expect(await response.json()).toEqual({ failure: null });
  });

  it("keeps nothing of a turn that broke, for its instance is refused everything and ends", async () => {
    const response = await miniflare.dispatchFetch("http://suite/broken-turn");
    expect(await response.json()).toEqual({
      outcome: expect.stringContaining("a turn broke: this instance must end"),
      tables: 0,
    });
  });
});
