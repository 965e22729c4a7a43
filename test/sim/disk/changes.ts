/**
 * What the writes of one event have made of the log, the counters and the store. They follow from the
 * texts and values of the writes alone; now and then they are compared with the rows themselves.
 */
import { assert, defined } from "../../../src/base/assert.ts";
import type { SqlRow, SqlValue } from "../../../src/base/sql.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { unpackCommands } from "../../../src/storage/log-chunk.ts";
import type { Meta, MirrorChange } from "./durable-mirror.ts";
import { internEntry } from "./intern-entry.ts";
import type { SimSql } from "./sim-sql.ts";
import type { Write } from "./write.ts";

const META_COLUMNS = [
  "term",
  "vote",
  "commit_index",
  "applied",
  "snapshot_index",
  "snapshot_term",
  "revision",
  "ord",
  "sequence",
  "compact_revision",
  "system_ord",
  "generation",
  "recent_seq",
  "recent",
] as const;

const META = `SELECT ${META_COLUMNS.join(", ")} FROM meta WHERE id = 0`;
const LOG = `SELECT idx, term, kind, data, last FROM log
  WHERE idx >= coalesce((SELECT max(idx) FROM log WHERE idx <= ?1), ?1) ORDER BY idx`;
const CONFIGURATION = "SELECT body FROM configuration WHERE idx = ?";
const VERSION_COLUMNS = ["ord", "main", "sub", "key", "create_main", "version", "value"] as const;
const VERSIONS = [0, 1].map(
  (generation) => `SELECT ${VERSION_COLUMNS.join(", ")} FROM kv_${generation} WHERE ord > ? ORDER BY ord`,
);

/** Kinds of rows of the log: one command, or several. */
const COMMAND = 0;
const CHUNK = 3;

/** What a statement does to what is followed here; `at` gives for each column its place in the bindings. */
type Effect =
  | { readonly kind: "meta"; readonly at: readonly number[] }
  | { readonly kind: "other-meta" }
  | { readonly kind: "log-insert" }
  | { readonly kind: "log-append" }
  | { readonly kind: "log-delete" }
  | { readonly kind: "configuration" }
  | { readonly kind: "version"; readonly generation: number; readonly at: readonly number[] }
  | { readonly kind: "none" };

const effects = new Map<string, Effect>();

function effectOf(statement: string): Effect {
  let effect = effects.get(statement);
  if (effect === undefined) {
    effect = parse(statement.replaceAll(/\s+/g, " ").trim());
    effects.set(statement, effect);
  }
  return effect;
}

function parse(statement: string): Effect {
  if (/^(CREATE|ALTER) TABLE |^CREATE INDEX /.test(statement)) return { kind: "none" };
  const set = /^UPDATE meta SET ((?:\w+ = \?(?:, )?)+) WHERE id = 0$/.exec(statement)?.[1];
  if (set !== undefined) {
    const names = set.split(", ").map((assignment) => assignment.slice(0, -" = ?".length));
    return { kind: "meta", at: META_COLUMNS.map((name) => names.indexOf(name)) };
  }
  if (/ meta\b/.test(statement)) return { kind: "other-meta" };
  if (statement === "INSERT INTO log (idx, term, kind, data, last) VALUES (?, ?, ?, ?, ?)")
    return { kind: "log-insert" };
  if (
    statement.startsWith("UPDATE log SET data = CAST(data || ? AS BLOB), last = ?, term = iif(term = ? AND")
  )
    return { kind: "log-append" };
  // Cuts a row in two, of which the deletion that follows takes one part.
  if (/^UPDATE log SET data = \?, (last|idx) = \? WHERE idx = \?$/.test(statement)) return { kind: "none" };
  if (statement.startsWith("INSERT OR REPLACE INTO configuration (idx, body)"))
    return { kind: "configuration" };
  if (statement === "DELETE FROM log WHERE idx >= ? AND idx <= ?") return { kind: "log-delete" };
  assert(!/ log\b/.test(statement), `what does this do to the log: ${statement}`);
  const insert = /^INSERT INTO kv_([01]) \((.+)\) VALUES \([?, ]+\)$/.exec(statement);
  if (insert === null) return { kind: "none" };
  const names = defined(insert[2], "a group always takes part").split(", ");
  return {
    kind: "version",
    generation: Number(insert[1]),
    at: VERSION_COLUMNS.map((name) => names.indexOf(name)),
  };
}

/** What the writes of an event amount to. */
class Tally {
  /** The row of counters; null: not written. */
  meta: SqlRow | null = null;
  /** The row of counters was written in a way that is not followed. */
  isMetaUnclear = false;
  logFrom: number | null = null;
  /** Rows of the log from `logFrom` on. */
  log: SqlRow[] = [];
  readonly inserted: SqlRow[] = [];
  /** Configurations by log index: what supersedes one may delete its row in the same transaction. */
  readonly configurations = new Map<number, string>();
  readonly versions: { readonly generation: number; readonly row: SqlRow }[] = [];

  add({ statement, bindings }: Write): void {
    const effect = effectOf(statement);
    switch (effect.kind) {
      case "meta":
        this.meta = pick(bindings, effect.at);
        break;
      case "other-meta":
        this.isMetaUnclear = true;
        break;
      case "log-insert":
        this.#insert(entryRows(bindings));
        break;
      case "log-append": {
        const [data = null, last = 0, term = 0, before] = bindings;
        this.#insert(entryRows([Number(before) + 1, term, CHUNK, data, last]));
        break;
      }
      case "log-delete":
        this.#deleteLog(Number(bindings[0]), Number(bindings[1]));
        break;
      case "configuration":
        this.configurations.set(Number(bindings[0]), String(bindings[1]));
        break;
      case "version":
        this.versions.push({ generation: effect.generation, row: pick(bindings, effect.at) });
        break;
      case "none":
        break;
    }
  }

  newMeta(sql: SimSql, before: Meta | null): Meta | null {
    if (!this.isMetaUnclear && this.meta !== null) return decodeMeta(this.meta);
    if (!this.isMetaUnclear && before !== null) return before;
    const row = sql.first(META, []);
    return row === null ? null : decodeMeta(row);
  }

  /** What deletes the end of the log may have to cut a row: rare, and worth a look. */
  isCut = false;

  #insert(rows: readonly SqlRow[]): void {
    this.#from(Number(rows[0]?.[0]));
    this.log.push(...rows);
    this.inserted.push(...rows);
  }

  #from(index: number): void {
    this.logFrom = Math.min(this.logFrom ?? index, index);
  }

  #deleteLog(low: number, high: number): void {
    if (high === Number.MAX_SAFE_INTEGER) {
      this.#from(low);
      this.isCut = true;
    }
    if (this.log.length > 0)
      this.log = this.log.filter(([index]) => Number(index) < low || Number(index) > high);
  }
}

/** Of a row of the log, one for each entry in it. */
function entryRows([idx = null, term = null, kind, data, last]: readonly SqlValue[]): readonly SqlRow[] {
  if (kind !== CHUNK) return [[idx, term, kind ?? null, data ?? null]];
  assert(data instanceof Uint8Array, "a chunk has data");
  const commands = unpackCommands(Number(idx), Number(last), Number(term), data);
  return commands.map((command) => [command.index, command.term, COMMAND, command.data]);
}

function pick(bindings: readonly SqlValue[], at: readonly number[]): SqlRow {
  return at.map((place) => {
    const value = bindings[place];
    assert(value !== undefined, "every column is bound");
    return value;
  });
}

export interface Changing {
  /** The counters before the writes; null: there were none. */
  readonly before: Meta | null;
  readonly writes: readonly Write[];
  /** Make sure of the result by reading the rows. */
  readonly compared: boolean;
}

/** What `writes` have changed; null while the database has no counters. */
export function changeOf(sql: SimSql, { before, writes, compared }: Changing): MirrorChange | null {
  const tally = new Tally();
  for (const write of writes) tally.add(write);
  const meta = tally.newMeta(sql, before);
  if (meta === null) return null;
  const installed = meta.generation !== (before?.generation ?? 0);
  const written = tally.versions.filter(({ generation }) => generation === meta.generation);
  const versions = installed ? sql.all(VERSIONS[meta.generation] ?? "", [0]) : written.map(({ row }) => row);
  if (compared || tally.isCut) assertStored(sql, tally, meta, versions);
  const entries = tally.log.map((entry) => decodeEntry(sql, tally, entry));
  const wasCut = tally.log.length < tally.inserted.length;
  return {
    meta,
    from: tally.logFrom ?? Number.MAX_SAFE_INTEGER,
    entries,
    inserted: wasCut ? tally.inserted.map((entry) => decodeEntry(sql, tally, entry)) : entries,
    committed: [],
    versions,
    installed,
    truncated: false,
  };
}

/** The rows are what the writes amount to. Of the versions some may have been collected again. */
function assertStored(sql: SimSql, { logFrom, log }: Tally, meta: Meta, versions: readonly SqlRow[]): void {
  const first = Number(versions[0]?.[0] ?? Number.MAX_SAFE_INTEGER);
  const stored = sql.all(VERSIONS[meta.generation] ?? "", [first - 1]);
  const kept = new Set(stored.map(([ord]) => ord));
  const told = [meta, log, versions.filter(([ord]) => kept.has(ord ?? 0))];
  const row = defined(sql.first(META, []), "there are counters");
  const found = [decodeMeta(row), logFrom === null ? [] : logRows(sql, logFrom), stored];
  const [tells, finds] = [JSON.stringify(told), JSON.stringify(found)];
  assert(tells === finds, `written was ${tells}, stored is ${finds}`);
}

function logRows(sql: SimSql, from: number): SqlRow[] {
  return sql
    .all(LOG, [from])
    .flatMap(entryRows)
    .filter(([index]) => Number(index) >= from);
}

function decodeMeta(row: SqlRow): Meta {
  const [term, vote, commit, applied, index, snapshotTerm, ...mvcc] = row;
  const [revision, ord, sequence, compactRevision, systemOrd, generation, first, answers] = mvcc;
  return {
    term: Number(term),
    vote: vote === null ? null : String(vote),
    commit: Number(commit),
    applied: Number(applied),
    snapshot: { index: Number(index), term: Number(snapshotTerm) },
    revision: Number(revision),
    ord: Number(ord),
    sequence: Number(sequence),
    compactRevision: Number(compactRevision),
    systemOrd: Number(systemOrd),
    generation: Number(generation),
    recent: answers instanceof Uint8Array ? { first: Number(first), answers } : null,
  };
}

function decodeEntry(sql: SimSql, { configurations }: Tally, [idx, termValue, kind, data]: SqlRow): Entry {
  const index = Number(idx);
  const term = Number(termValue);
  if (kind === COMMAND) {
    assert(data instanceof Uint8Array, `command ${index} has no data`);
    return internEntry({ kind: "command", index, term, data });
  }
  if (kind === 1) return internEntry({ kind: "empty", index, term });
  const body = configurations.get(index) ?? sql.first(CONFIGURATION, [index])?.[0];
  assert(body !== undefined, `configuration ${index} has no text`);
  // Written by the configuration table only.
  return internEntry({ kind: "configuration", index, term, configuration: JSON.parse(String(body)) });
}
