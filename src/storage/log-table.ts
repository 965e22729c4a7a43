/** The log's rows. */
import { assert, assertNever, defined } from "../base/assert.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import type { Entry, LogReader } from "../raft/types.ts";
import type { ConfigurationTable } from "./configuration-table.ts";

const COMMAND = 0;
const EMPTY = 1;
const CONFIGURATION = 2;

/** Rows fetched by one query when the log is read back. */
const PAGE_ROWS = 64;

export class LogTable implements LogReader {
  readonly #sql: Sql;
  readonly #configurations: ConfigurationTable;

  constructor(sql: Sql, configurations: ConfigurationTable) {
    this.#sql = sql;
    this.#configurations = configurations;
  }

  term(index: number): number {
    const row = this.#sql.first("SELECT term FROM log WHERE idx = ?", index);
    return Number(defined(row, `the log has no entry ${index}`)[0]);
  }

  entries(low: number, high: number, bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    while (low + entries.length <= high) {
      const from = low + entries.length;
      const rows = this.#sql.all(
        "SELECT idx, term, kind, data FROM log WHERE idx >= ? AND idx <= ? ORDER BY idx LIMIT ? + 0",
        from,
        high,
        PAGE_ROWS,
      );
      assert(rows.length > 0, `the log has no entry ${from}`);
      for (const row of rows) {
        const entry = this.#entry(row);
        assert(entry.index === low + entries.length, `the log has a gap at ${low + entries.length}`);
        bytes += entry.kind === "command" ? entry.data.length : 0;
        if (entries.length > 0 && bytes > bytesMax) return entries;
        entries.push(entry);
      }
    }
    return entries;
  }

  /** Index of the newest entry, or null for an empty log. */
  lastIndex(): number | null {
    const row = this.#sql.first("SELECT idx FROM log ORDER BY idx DESC LIMIT 1");
    return row === null ? null : Number(row[0]);
  }

  firstIndex(): number | null {
    const row = this.#sql.first("SELECT idx FROM log ORDER BY idx LIMIT 1");
    return row === null ? null : Number(row[0]);
  }

  append(entry: Entry): void {
    const { index, term } = entry;
    const insert = "INSERT INTO log (idx, term, kind, data) VALUES (?, ?, ?, ?)";
    switch (entry.kind) {
      case "command":
        this.#sql.run(insert, index, term, COMMAND, entry.data);
        break;
      case "empty":
        this.#sql.run(insert, index, term, EMPTY, null);
        break;
      case "configuration":
        this.#sql.run(insert, index, term, CONFIGURATION, null);
        this.#configurations.put({ index, configuration: entry.configuration });
        break;
      default:
        assertNever(entry, "log entry");
    }
  }

  /** Bytes of data in entries `low`..`high`. */
  bytes(low: number, high: number): number {
    const row = this.#sql.first("SELECT sum(length(data)) FROM log WHERE idx >= ? AND idx <= ?", low, high);
    return Number(row?.[0] ?? 0);
  }

  delete(low: number, high: number): void {
    this.#sql.run("DELETE FROM log WHERE idx >= ? AND idx <= ?", low, high);
  }

  #entry(row: SqlRow): Entry {
    const [idx, termValue, kind, data] = row;
    const index = Number(idx);
    const term = Number(termValue);
    if (kind === COMMAND) {
      assert(data instanceof Uint8Array, `command ${index} has no data`);
      return { kind: "command", index, term, data };
    }
    if (kind === EMPTY) return { kind: "empty", index, term };
    assert(kind === CONFIGURATION, `entry ${index} is of unknown kind ${kind}`);
    return { kind: "configuration", index, term, configuration: this.#configurations.get(index) };
  }
}
