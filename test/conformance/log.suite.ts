/**
 * The log on every adapter: rows that are appended to in place depend on what a database makes of
 * `||` on bytes.
 */

import type { Sql } from "../../src/base/sql.ts";
import type { CommandEntry, Entry } from "../../src/raft/types.ts";
import { ConfigurationTable } from "../../src/storage/configuration-table.ts";
import { LogTable } from "../../src/storage/log-table.ts";
import { migrate } from "../../src/storage/schema.ts";
import { equal, refuses } from "./expectations.ts";
import type { SqlCase } from "./sql.suite.ts";

const EVERYTHING = 1e9;

function open(sql: Sql): LogTable {
  migrate(sql);
  return new LogTable(sql, new ConfigurationTable(sql));
}

/** Bytes that are no text: zeros, halves of characters, all values. */
function command(index: number, term = 1, size = 300): CommandEntry {
  const data = new Uint8Array(size).map((_, i) => (i * 7 + index * 31 + 128) % 256);
  return { kind: "command", index, term, data };
}

const commands = (low: number, high: number): CommandEntry[] =>
  Array.from({ length: high - low + 1 }, (_, i) => command(low + i));

function rows(sql: Sql): unknown {
  return sql.all("SELECT idx, last, typeof(data) FROM log ORDER BY idx");
}

export const LOG_CASES: readonly SqlCase[] = [
  {
    name: "commands that are appended to a row come back byte by byte",
    run(sql) {
      const log = open(sql);
      const entries = [command(1, 1, 0), ...commands(2, 30), command(31, 1, 1)];
      for (const entry of entries) sql.transaction(() => log.append([entry]));
      equal(
        rows(sql),
        [
          [1, 13, "blob"],
          [14, 25, "blob"],
          [26, 31, "blob"],
        ],
        "rows",
      );
      equal(log.entries(1, 31, EVERYTHING), entries, "entries");
      equal(open(sql).entries(12, 15, EVERYTHING), entries.slice(11, 15), "across two rows");
      equal(log.bytes(1, 31), 29 * 300 + 1, "bytes");
    },
  },
  {
    name: "a row is cut at either end, and appended to again",
    run(sql) {
      const log = open(sql);
      sql.transaction(() => log.append(commands(1, 10)));
      equal(log.bytes(1, 3), 900, "bytes of its begin");
      sql.transaction(() => log.delete(1, 3));
      equal([log.firstIndex(), log.lastIndex(), log.bytes(4, 10)], [4, 10, 2_100], "without its begin");
      sql.transaction(() => log.delete(8, Number.MAX_SAFE_INTEGER));
      equal([log.firstIndex(), log.lastIndex(), log.bytes(4, 7)], [4, 7, 1_200], "without its end");
      sql.transaction(() =>
        log.append([command(8, 1, 5), { kind: "empty", index: 9, term: 2 }, command(10, 2)]),
      );
      equal(
        rows(sql),
        [
          [4, 8, "blob"],
          [9, null, "null"],
          [10, 10, "blob"],
        ],
        "rows",
      );
      const left: readonly Entry[] = [...commands(4, 7), command(8, 1, 5)];
      equal(log.entries(4, 8, EVERYTHING), left, "entries");
      equal([log.term(8), log.term(9), log.term(10)], [1, 2, 2], "terms");
    },
  },
  {
    name: "large commands have rows of their own, and a new start goes on in the newest row",
    run(sql) {
      const log = open(sql);
      sql.transaction(() => log.append([command(1), command(2, 1, 100_000), command(3)]));
      const started = open(sql);
      sql.transaction(() => started.append([command(4)]));
      equal(
        rows(sql),
        [
          [1, 1, "blob"],
          [2, null, "blob"],
          [3, 4, "blob"],
        ],
        "rows",
      );
      const expected = [command(1), command(2, 1, 100_000), command(3), command(4)];
      equal(open(sql).entries(1, 4, EVERYTHING), expected, "entries");
    },
  },
  {
    name: "a row that somebody else has appended to is not appended to from memory",
    run(sql) {
      const [one, other] = [open(sql), open(sql)];
      one.append([command(1)]);
      other.append([command(2)]);
      refuses("the index that is taken", () => one.append([command(2)]));
      equal(open(sql).entries(1, 2, EVERYTHING), commands(1, 2), "entries");
    },
  },
  {
    name: "an index that is taken or left out is refused, and the log is not deleted in its middle",
    run(sql) {
      const log = open(sql);
      sql.transaction(() => log.append(commands(1, 10)));
      refuses("one that is taken", () => log.append([command(5)]));
      refuses("one that is left out", () => log.append([command(12)]));
      refuses("a hole", () => log.delete(4, 6));
      equal(log.entries(1, 10, EVERYTHING), commands(1, 10), "entries");
    },
  },
];
