/**
 * The log's rows. Rows written and rows deleted are what a small write costs most, so small commands of
 * one term that follow each other share a row: the newest row is appended to in place, which writes one
 * row as an insertion does, and trimming deletes one row for many entries. What a row holds of an entry
 * never changes. Everything else, and any larger command, has a row of its own.
 */
import { assert, assertNever } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import type { CommandEntry, Entry, LogReader } from "../raft/types.ts";
import type { ConfigurationTable } from "./configuration-table.ts";
import { FRAME_BYTES, isSmall, packCommands, unpackCommands } from "./log-chunk.ts";

const COMMAND = 0;
const EMPTY = 1;
const CONFIGURATION = 2;
/** Commands `idx` to `last` (log-chunk.ts). `last` is NULL in rows of all other kinds. */
const CHUNK = 3;

/** Rows fetched by one query when the log is read back. */
const PAGE_ROWS = 16;

/** The row that holds an entry, if any does, is the newest one at or below its index. */
const ROW_AT = "(SELECT idx FROM log WHERE idx <= ?1 ORDER BY idx DESC LIMIT 1)";
const SELECT_TERM = `SELECT term, coalesce(last, idx) FROM log WHERE idx = ${ROW_AT}`;
const SELECT_ROWS = `SELECT idx, term, kind, data, last FROM log
  WHERE idx >= ${ROW_AT} AND idx <= ?2 ORDER BY idx LIMIT ?3 + 0`;
/** The chunk that holds an entry and the one after it. */
const SELECT_ACROSS = `SELECT idx, term, kind, data, last FROM log WHERE idx = ${ROW_AT} AND last > ?1`;
const SELECT_END = "SELECT idx, term, last, length(data) FROM log ORDER BY idx DESC LIMIT 1";
/** Chunks have lengths besides commands. */
const SELECT_BYTES = `SELECT sum(length(data) - iif(last IS NULL, 0, ${FRAME_BYTES} * (last - idx + 1)))
  FROM log WHERE idx >= ? AND idx <= ?`;

const INSERT = "INSERT INTO log (idx, term, kind, data, last) VALUES (?, ?, ?, ?, ?)";
/** `||` makes a text of two blobs. Fails if the row, which is there, is not what is remembered of it: no term may be NULL. */
const APPEND = `UPDATE log SET data = CAST(data || ? AS BLOB), last = ?, term = iif(term = ? AND last = ?, term, NULL)
  WHERE idx = ?`;
const CUT_END = "UPDATE log SET data = ?, last = ? WHERE idx = ?";
const CUT_BEGIN = "UPDATE log SET data = ?, idx = ? WHERE idx = ?";

interface Chunk {
  readonly first: number;
  readonly last: number;
  readonly term: number;
  readonly bytes: number;
}

/** Where the log ends. */
interface End {
  readonly last: number;
  /** The newest row, if it is a chunk. */
  readonly chunk: Chunk | null;
}

export class LogTable implements LogReader {
  readonly #sql: Sql;
  readonly #configurations: ConfigurationTable;
  /** Null: the log is empty. Undefined: not known, to be read when it is needed. */
  #end: End | null | undefined;

  constructor(sql: Sql, configurations: ConfigurationTable) {
    this.#sql = sql;
    this.#configurations = configurations;
  }

  term(index: number): number {
    const [term, last] = this.#sql.first(SELECT_TERM, index) ?? [];
    assert(Number(last ?? 0) >= index, `the log has no entry ${index}`);
    return Number(term);
  }

  entries(low: number, high: number, bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    while (low + entries.length <= high) {
      const from = low + entries.length;
      for (const row of this.#sql.all(SELECT_ROWS, from, high, PAGE_ROWS)) {
        for (const entry of this.#entriesOf(row)) {
          if (entry.index < from || entry.index > high) continue;
          assert(entry.index === low + entries.length, `the log has a gap at ${low + entries.length}`);
          bytes += entry.kind === "command" ? entry.data.length : 0;
          if (entries.length > 0 && bytes > bytesMax) return entries;
          entries.push(entry);
        }
      }
      assert(low + entries.length > from, `the log has no entry ${from}`);
    }
    return entries;
  }

  /** Index of the newest entry, or null for an empty log. */
  lastIndex(): number | null {
    return this.#endOfLog()?.last ?? null;
  }

  firstIndex(): number | null {
    const row = this.#sql.first("SELECT idx FROM log ORDER BY idx LIMIT 1");
    return row === null ? null : Number(row[0]);
  }

  /** Stores entries of which the first follows on the last one stored. */
  append(entries: readonly Entry[]): void {
    let at = 0;
    for (let entry = entries[at]; entry !== undefined; entry = entries[at]) {
      const end = this.#endOfLog();
      // The core's invariant; but a chunk would take whatever comes.
      assert(end === null || entry.index === end.last + 1, `entry ${entry.index} comes after ${end?.last}`);
      at += this.#appendRow(entry, entries, at, end?.chunk ?? null);
    }
  }

  /** Bytes of the commands `low`..`high`. */
  bytes(low: number, high: number): number {
    const begun = Number(this.#sql.first(SELECT_BYTES, low, high)?.[0] ?? 0);
    const before = this.#across(low - 1).filter(({ index }) => index >= low);
    const after = this.#across(high).filter(({ index }) => index > high);
    return begun + bytesOf(before) - bytesOf(after);
  }

  /** Deletes entries at one end of the log. */
  delete(low: number, high: number): void {
    const before = this.#across(low - 1);
    const after = this.#across(high);
    assert(before.length === 0 || after.length === 0, "entries are deleted at an end of the log");
    const kept = packCommands(before.filter(({ index }) => index < low));
    if (before[0] !== undefined) this.#sql.run(CUT_END, kept, low - 1, before[0].index);
    const left = packCommands(after.filter(({ index }) => index > high));
    if (after[0] !== undefined) this.#sql.run(CUT_BEGIN, left, high + 1, after[0].index);
    this.#sql.run("DELETE FROM log WHERE idx >= ? AND idx <= ?", low, high);
    this.#end = undefined;
  }

  /** Stores `entry`, which is at `at`, and what follows it into the same row; returns how many that are. */
  #appendRow(entry: Entry, entries: readonly Entry[], at: number, open: Chunk | null): number {
    const joined = open === null ? [] : runOf(entries, at, open);
    if (open !== null && joined.length > 0) {
      const last = open.last + joined.length;
      const packed = packCommands(joined);
      this.#sql.run(APPEND, packed, last, open.term, open.last, open.first);
      this.#end = { last, chunk: { ...open, last, bytes: open.bytes + packed.length } };
      return joined.length;
    }
    if (entry.kind !== "command" || !isSmall(entry)) {
      this.#insert(entry);
      this.#end = { last: entry.index, chunk: null };
      return 1;
    }
    const { index: first, term } = entry;
    const begun = runOf(entries, at, { first, term, bytes: 0 });
    const last = first + begun.length - 1;
    const packed = packCommands(begun);
    this.#sql.run(INSERT, first, term, CHUNK, packed, last);
    this.#end = { last, chunk: { first, last, term, bytes: packed.length } };
    return begun.length;
  }

  #insert(entry: Entry): void {
    const { index, term } = entry;
    switch (entry.kind) {
      case "command":
        this.#sql.run(INSERT, index, term, COMMAND, entry.data, null);
        break;
      case "empty":
        this.#sql.run(INSERT, index, term, EMPTY, null, null);
        break;
      case "configuration":
        this.#sql.run(INSERT, index, term, CONFIGURATION, null, null);
        this.#configurations.put({ index, configuration: entry.configuration });
        break;
      default:
        assertNever(entry, "log entry");
    }
  }

  /** Read once; what is appended from then on is known. */
  #endOfLog(): End | null {
    if (this.#end === undefined) {
      const row = this.#sql.first(SELECT_END);
      this.#end = row === null ? null : decodeEnd(row);
    }
    return this.#end;
  }

  /** The commands of the chunk that holds both `index` and the entry after it; none if there is no such chunk. */
  #across(index: number): readonly CommandEntry[] {
    const row = this.#sql.first(SELECT_ACROSS, index);
    return row === null ? [] : decodeChunk(row);
  }

  #entriesOf(row: SqlRow): readonly Entry[] {
    const [idx, termValue, kind, data] = row;
    const index = Number(idx);
    const term = Number(termValue);
    if (kind === CHUNK) return decodeChunk(row);
    if (kind === COMMAND) {
      assert(data instanceof Uint8Array, `command ${index} has no data`);
      return [{ kind: "command", index, term, data }];
    }
    if (kind === EMPTY) return [{ kind: "empty", index, term }];
    assert(kind === CONFIGURATION, `entry ${index} is of unknown kind ${kind}`);
    return [{ kind: "configuration", index, term, configuration: this.#configurations.get(index) }];
  }
}

/** The commands from `at` on that go into one row with what is there. */
function runOf(entries: readonly Entry[], at: number, row: Omit<Chunk, "last">): readonly CommandEntry[] {
  const run: CommandEntry[] = [];
  let { bytes } = row;
  for (let entry = entries[at]; entry?.kind === "command"; entry = entries[at + run.length]) {
    bytes += FRAME_BYTES + entry.data.length;
    if (entry.term !== row.term || bytes > LIMITS.logRowBytesMax) break;
    if (entry.index - row.first >= LIMITS.logRowEntriesMax) break;
    run.push(entry);
  }
  return run;
}

function decodeChunk([idx, term, , data, last]: SqlRow): readonly CommandEntry[] {
  assert(data instanceof Uint8Array, `the chunk of entry ${idx} has no data`);
  return unpackCommands(Number(idx), Number(last), Number(term), data);
}

function decodeEnd([idx, termValue, lastValue, bytes]: SqlRow): End {
  if (lastValue === null) return { last: Number(idx), chunk: null };
  const last = Number(lastValue);
  return { last, chunk: { first: Number(idx), last, term: Number(termValue), bytes: Number(bytes) } };
}

function bytesOf(commands: readonly CommandEntry[]): number {
  return commands.reduce((sum, { data }) => sum + data.length, 0);
}
