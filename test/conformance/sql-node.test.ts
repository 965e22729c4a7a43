import { describe, it } from "vitest";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { LOG_CASES } from "./log.suite.ts";
import { SQL_CASES } from "./sql.suite.ts";

describe("the Sql port on node:sqlite", () => {
  it.each([...SQL_CASES, ...LOG_CASES])("$name", ({ run }) => {
    const sql = new NodeSql();
    try {
      run(sql);
    } finally {
      sql.close();
    }
  });
});
