/**
 * Tables of a replica, as numbered steps that are only ever added to. A database knows how many
 * steps it has taken; opening it takes the rest.
 */
import { assert } from "../base/assert.ts";
import type { Sql } from "../base/sql.ts";
import { MVCC_SCHEMA, SYSTEM_SCHEMA } from "../mvcc/schema.ts";

/**
 * `meta` is the one row that changes in nearly every turn: all counters that must change together
 * with the data they speak of. `log` holds one row per entry (kind 0 command, 1 empty,
 * 2 configuration) or for several small commands (kind 3, from `idx` to `last`; see log-table.ts); the
 * configurations themselves are in `configuration`, by log index, the oldest kept one being in force
 * where the log begins. `fence` only counts writes that prove currency.
 */
const CONSENSUS: readonly string[] = [
  `CREATE TABLE identity (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    cluster TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    member TEXT NOT NULL,
    member_id TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    wiped INTEGER NOT NULL
  )`,
  `CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    term INTEGER NOT NULL,
    vote TEXT,
    commit_index INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    snapshot_index INTEGER NOT NULL,
    snapshot_term INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    ord INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    compact_revision INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    CHECK (snapshot_index <= applied AND applied <= commit_index)
  )`,
  `CREATE TABLE log (idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL, data BLOB)`,
  `CREATE TABLE configuration (idx INTEGER PRIMARY KEY, body TEXT NOT NULL)`,
  `CREATE TABLE peer (id TEXT PRIMARY KEY, incarnation TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE staging (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL)`,
];

const MIGRATIONS: readonly (readonly string[])[] = [
  [...CONSENSUS, ...MVCC_SCHEMA],
  ["ALTER TABLE meta ADD COLUMN system_ord INTEGER NOT NULL DEFAULT 0", ...SYSTEM_SCHEMA],
  // How the replica fell asleep, as JSON; NULL while it is awake.
  ["ALTER TABLE meta ADD COLUMN sleep TEXT"],
  // Who goes on without this replica, as JSON; NULL while it is a member.
  ["ALTER TABLE identity ADD COLUMN successors TEXT"],
  // When `meta` was last written, in ms by the replica's own clock.
  ["ALTER TABLE meta ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0"],
  // Index of the last entry of a row that may hold several; NULL in a row that holds one.
  ["ALTER TABLE log ADD COLUMN last INTEGER"],
  // The newest remembered answers (mvcc-state.ts); NULL: all are in rows.
  [
    "ALTER TABLE meta ADD COLUMN recent_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE meta ADD COLUMN recent BLOB",
  ],
];

/** Brings the database to the newest schema. Refuses one written by a newer version. */
export function migrate(sql: Sql): void {
  sql.transaction(() => {
    sql.run("CREATE TABLE IF NOT EXISTS migration (step INTEGER PRIMARY KEY)");
    const done = Number(sql.first("SELECT count(*) FROM migration")?.[0] ?? 0);
    assert(
      done <= MIGRATIONS.length,
      "the database was written by a newer version of edged: deploy that one",
    );
    for (const [step, statements] of MIGRATIONS.entries()) {
      if (step < done) continue;
      for (const statement of statements) sql.run(statement);
      sql.run("INSERT INTO migration (step) VALUES (?)", step);
    }
  });
}
