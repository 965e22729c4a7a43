/** Databases that are used again: whoever gets one can tell it from an empty one by nothing. */
import { expect, test } from "vitest";
import { SimSql } from "./disk/sim-sql.ts";

const TABLE = "CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY, text TEXT)";
const OTHER_TABLE = "CREATE TABLE other (id INTEGER PRIMARY KEY)";
const INSERT = "INSERT INTO one (text) VALUES (?)";
const SELECT = "SELECT id, text FROM one ORDER BY id";
const SELECT_OTHER = "SELECT id FROM other";

/** As every object begins. */
function found(sql: SimSql): void {
  sql.run(TABLE, []);
  expect(sql.all(SELECT, [])).toEqual([]);
  sql.run(INSERT, ["first"]);
  sql.run(OTHER_TABLE, []);
}

/** One that begins like the one that was closed just before. */
function used(): SimSql {
  const sql = new SimSql();
  found(sql);
  sql.run(INSERT, ["old"]);
  sql.keep();
  sql.run(INSERT, ["newer"]);
  sql.close();
  return new SimSql();
}

test("it has the rows that were written to it, and no others", () => {
  const sql = used();
  found(sql);
  sql.run(INSERT, ["second"]);
  expect(sql.all(SELECT, [])).toEqual([
    [1, "first"],
    [2, "second"],
  ]);
  expect(sql.all(SELECT_OTHER, [])).toEqual([]);
  sql.close();
});

test("a table is not there before it is made", () => {
  const untouched = used();
  expect(() => untouched.all(SELECT, [])).toThrow("no such table");
  const sql = used();
  sql.run(TABLE, []);
  expect(() => sql.first(SELECT_OTHER, [])).toThrow("no such table");
  expect(() => sql.run("INSERT INTO other (id) VALUES (1)", [])).toThrow("no such table");
  expect(sql.all(SELECT, [])).toEqual([]);
});

test("one that was founded in two attempts is like any other", () => {
  const sql = new SimSql();
  sql.run("CREATE TABLE alone (id INTEGER PRIMARY KEY)", []);
  found(sql);
  // A start anew, before anything was kept.
  sql.run(TABLE, []);
  sql.close();
  const next = new SimSql();
  next.run("CREATE TABLE alone (id INTEGER PRIMARY KEY)", []);
  found(next);
  next.run("INSERT INTO alone (id) VALUES (1)", []);
  expect(next.all("SELECT id FROM alone", [])).toEqual([[1]]);
  next.close();
});

test("who makes other tables has those alone", () => {
  const sql = used();
  sql.run(TABLE, []);
  expect(sql.all(SELECT, [])).toEqual([]);
  sql.run(INSERT, ["mine"]);
  sql.run("CREATE TABLE third (id INTEGER PRIMARY KEY)", []);
  expect(() => sql.all(SELECT_OTHER, [])).toThrow("no such table");
  expect(sql.all(SELECT, [])).toEqual([[1, "mine"]]);
  sql.close();
  // Nobody after it meets its table.
  const next = new SimSql();
  found(next);
  expect(() => next.all("SELECT id FROM third", [])).toThrow("no such table");
});

test("a table cannot be made twice", () => {
  const sql = used();
  found(sql);
  expect(() => sql.run(OTHER_TABLE, [])).toThrow("already exists");
});

test("before anything is kept, the way back leads to no tables", () => {
  const sql = used();
  found(sql);
  sql.goBack([]);
  expect(() => sql.all(SELECT, [])).toThrow("no such table");
  sql.goBack([{ statement: TABLE, bindings: [] }]);
  expect(sql.all(SELECT, [])).toEqual([]);
  expect(() => sql.all(SELECT_OTHER, [])).toThrow("no such table");
});

test("afterwards it leads to what was kept", () => {
  const sql = used();
  found(sql);
  sql.keep();
  sql.run(INSERT, ["lost"]);
  sql.goBack([{ statement: INSERT, bindings: ["again"] }]);
  expect(sql.all(SELECT, [])).toEqual([
    [1, "first"],
    [2, "again"],
  ]);
  sql.wipe();
  expect(() => sql.all(SELECT, [])).toThrow("no such table");
});

test("what is kept before all tables are made has those that were", () => {
  const sql = used();
  sql.run(TABLE, []);
  sql.keep();
  expect(() => sql.all(SELECT_OTHER, [])).toThrow("no such table");
  sql.goBack([]);
  expect(sql.all(SELECT, [])).toEqual([]);
  expect(() => sql.all(SELECT_OTHER, [])).toThrow("no such table");
});
