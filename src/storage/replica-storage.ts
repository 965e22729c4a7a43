/** A replica's durable state on the Sql port: log, hard state, counters, configurations, peers. */
import { assert, defined } from "../base/assert.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import type { Identity } from "../engine/identity.ts";
import type { Successors } from "../engine/peer-api.ts";
import type { ReplicaStorage, Staging, StoredReplica } from "../engine/ports.ts";
import { INITIAL_MVCC_STATE, type MvccState } from "../mvcc/mvcc-state.ts";
import type {
  Configuration,
  ConfigurationAt,
  Entry,
  HardState,
  LogReader,
  NodeId,
  Sleep,
  SnapshotPoint,
} from "../raft/types.ts";
import { ConfigurationTable } from "./configuration-table.ts";
import { LogTable } from "./log-table.ts";
import { migrate } from "./schema.ts";

/** The row that changes in nearly every turn. */
interface Meta {
  term: number;
  vote: NodeId | null;
  commit: number;
  applied: number;
  snapshot: SnapshotPoint;
  logBytes: number;
  mvcc: MvccState;
  fence: number;
  sleep: Sleep | null;
  writtenAt: number;
}

const SELECT_META = `SELECT term, vote, commit_index, applied, snapshot_index, snapshot_term, log_bytes,
  revision, ord, sequence, compact_revision, system_ord, generation, fence, sleep, written_at,
  recent_seq, recent FROM meta WHERE id = 0`;

const UPDATE_META = `UPDATE meta SET term = ?, vote = ?, commit_index = ?, applied = ?, snapshot_index = ?,
  snapshot_term = ?, log_bytes = ?, revision = ?, ord = ?, sequence = ?, compact_revision = ?, system_ord = ?,
  generation = ?, fence = ?, sleep = ?, written_at = ?, recent_seq = ?, recent = ? WHERE id = 0`;

const INSERT_META = `INSERT INTO meta (id, term, vote, commit_index, applied, snapshot_index, snapshot_term,
  log_bytes, revision, ord, sequence, compact_revision, system_ord, generation, fence)
  VALUES (0, 0, NULL, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, 0)`;

export class SqlReplicaStorage implements ReplicaStorage {
  readonly #sql: Sql;
  readonly #log: LogTable;
  readonly #configurations: ConfigurationTable;
  #meta: Meta | null;
  #dirty = false;

  /** Opens the database, making or migrating its tables. */
  constructor(sql: Sql) {
    this.#sql = sql;
    migrate(sql);
    this.#configurations = new ConfigurationTable(sql);
    this.#log = new LogTable(sql, this.#configurations);
    const row = sql.first(SELECT_META);
    this.#meta = row === null ? null : decodeMeta(row);
  }

  /** Makes an empty database that of `identity`, first of its cluster's life with `configuration`. */
  found(identity: Identity, configuration: Configuration): void {
    assert(this.#meta === null, "a replica is founded once");
    const { cluster, clusterId, member, memberId, incarnation } = identity;
    const { revision, ord, sequence, compactRevision, systemOrd, generation } = INITIAL_MVCC_STATE;
    this.#sql.transaction(() => {
      this.#sql.run(
        `INSERT INTO identity (id, cluster, cluster_id, member, member_id, incarnation, wiped)
         VALUES (0, ?, ?, ?, ?, ?, 0)`,
        cluster,
        clusterId,
        member,
        memberId,
        incarnation,
      );
      this.#sql.run(INSERT_META, revision, ord, sequence, compactRevision, systemOrd, generation);
      this.#configurations.put({ index: 0, configuration });
    });
    this.#meta = decodeMeta(defined(this.#sql.first(SELECT_META), "meta was just written"));
  }

  /** Everything a start needs, or null for a database nobody has founded. */
  load(): StoredReplica | null {
    if (this.#meta === null) return null;
    const { term, vote, commit, applied, snapshot, mvcc, sleep, writtenAt } = this.#meta;
    const lastIndex = this.#log.lastIndex() ?? snapshot.index;
    const firstIndex = this.#log.firstIndex() ?? snapshot.index + 1;
    assert(firstIndex === snapshot.index + 1, `the log begins at ${firstIndex}, not after ${snapshot.index}`);
    const { identity, wiped, successors } = this.#identity();
    const configurations = this.#configurations.since(applied);
    return {
      identity,
      boot: { term, vote, snapshot, lastIndex, commit, applied, sleep, configurations },
      mvcc,
      peers: new Map(
        this.#sql
          .all("SELECT id, incarnation FROM peer ORDER BY id")
          .map(([id, incarnation]): [NodeId, string] => [String(id), String(incarnation)]),
      ),
      staging: this.#staging(),
      wiped,
      successors,
      writtenAt,
    };
  }

  get reader(): LogReader {
    return this.#log;
  }

  get logBytes(): number {
    return this.#current.logBytes;
  }

  turn<T>(body: () => T): T {
    return this.#sql.turn(body);
  }

  truncateFrom(index: number): void {
    const meta = this.#current;
    assert(index > meta.commit, `entries from ${index} on are committed up to ${meta.commit}`);
    meta.logBytes -= this.#log.bytes(index, Number.MAX_SAFE_INTEGER);
    this.#log.delete(index, Number.MAX_SAFE_INTEGER);
    this.#configurations.truncateFrom(index);
    this.#dirty = true;
  }

  append(entries: readonly Entry[]): void {
    this.#log.append(entries);
    for (const entry of entries) if (entry.kind === "command") this.#current.logBytes += entry.data.length;
  }

  compact(point: SnapshotPoint): void {
    const meta = this.#current;
    assert(point.index <= meta.applied, "only applied entries may be deleted");
    meta.logBytes -= this.#log.bytes(meta.snapshot.index + 1, point.index);
    this.#log.delete(meta.snapshot.index + 1, point.index);
    this.#configurations.compact(point.index);
    meta.snapshot = point;
    this.#dirty = true;
  }

  installSnapshot(point: SnapshotPoint, configuration: ConfigurationAt, keepSuffix: boolean): void {
    const meta = this.#current;
    assert(point.index > meta.commit, "a snapshot must not lower the commit index");
    const through = keepSuffix ? point.index : Number.MAX_SAFE_INTEGER;
    meta.logBytes = keepSuffix ? meta.logBytes - this.#log.bytes(0, point.index) : 0;
    this.#log.delete(0, through);
    this.#configurations.reset(configuration, through);
    meta.snapshot = point;
    this.#dirty = true;
  }

  setHardState({ term, vote }: HardState): void {
    const meta = this.#current;
    assert(term >= meta.term, `term ${term} falls behind the stored ${meta.term}`);
    assert(
      term > meta.term || meta.vote === null || meta.vote === vote,
      `the vote of term ${term} would change from ${meta.vote} to ${vote}`,
    );
    meta.term = term;
    meta.vote = vote;
    this.#dirty = true;
  }

  setCommit(index: number): void {
    assert(index >= this.#current.commit, "the commit index never falls");
    this.#current.commit = index;
    this.#dirty = true;
  }

  setSleep(sleep: Sleep | null): void {
    this.#current.sleep = sleep;
    this.#dirty = true;
  }

  setApplied(index: number, mvcc: MvccState): void {
    assert(index >= this.#current.applied, "the applied index never falls");
    this.#current.applied = index;
    this.#current.mvcc = mvcc;
    this.#dirty = true;
  }

  setStaging(staging: Staging | null): void {
    if (staging === null) this.#sql.run("DELETE FROM staging WHERE id = 0");
    else this.#sql.run("INSERT OR REPLACE INTO staging (id, body) VALUES (0, ?)", JSON.stringify(staging));
  }

  recordPeer(id: NodeId, incarnation: string): void {
    this.#sql.run("INSERT INTO peer (id, incarnation) VALUES (?, ?)", id, incarnation);
  }

  setWiped(): void {
    this.#sql.run("UPDATE identity SET wiped = 1 WHERE id = 0");
  }

  setRemoved(successors: Successors): void {
    this.#sql.run("UPDATE identity SET successors = ? WHERE id = 0", JSON.stringify(successors));
  }

  get isDirty(): boolean {
    return this.#dirty;
  }

  fence(): void {
    this.#current.fence += 1;
    this.#dirty = true;
  }

  flush(now: number): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#current.writtenAt = Math.floor(now);
    const { term, vote, commit, applied, snapshot, logBytes, mvcc, fence, sleep, writtenAt } = this.#current;
    const { revision, ord, sequence, compactRevision, systemOrd, generation, recent } = mvcc;
    const { index, term: snapshotTerm } = snapshot;
    this.#sql.run(
      UPDATE_META,
      term,
      vote,
      commit,
      applied,
      index,
      snapshotTerm,
      logBytes,
      revision,
      ord,
      sequence,
      compactRevision,
      systemOrd,
      generation,
      fence,
      sleep === null ? null : JSON.stringify(sleep),
      writtenAt,
      recent?.first ?? 0,
      recent?.answers ?? null,
    );
  }

  databaseBytes(): number {
    return this.#sql.sizeBytes();
  }

  get #current(): Meta {
    return defined(this.#meta, "the replica is not founded yet");
  }

  #identity(): Pick<StoredReplica, "identity" | "wiped" | "successors"> {
    const row = this.#sql.first(
      "SELECT cluster, cluster_id, member, member_id, incarnation, wiped, successors FROM identity WHERE id = 0",
    );
    const [cluster, clusterId, member, memberId, incarnation, wiped, successors] = defined(
      row,
      "identity is written with meta",
    );
    return {
      identity: {
        cluster: String(cluster),
        clusterId: String(clusterId),
        member: String(member),
        memberId: String(memberId),
        incarnation: String(incarnation),
      },
      wiped: wiped === 1,
      // Written by `setRemoved` only.
      successors: typeof successors === "string" ? (JSON.parse(successors) as Successors) : null,
    };
  }

  #staging(): Staging | null {
    const row = this.#sql.first("SELECT body FROM staging WHERE id = 0");
    // Written by `setStaging` only.
    return row === null ? null : (JSON.parse(String(row[0])) as Staging);
  }
}

function decodeMeta(row: SqlRow): Meta {
  const [term, vote, commit, applied, snapshotIndex, snapshotTerm, logBytes, ...rest] = row;
  const [
    revision,
    ord,
    sequence,
    compactRevision,
    systemOrd,
    generation,
    fence,
    sleep,
    writtenAt,
    ...newest
  ] = rest;
  const [recentFirst, recent] = newest;
  return {
    term: Number(term),
    vote: vote === null ? null : String(vote),
    commit: Number(commit),
    applied: Number(applied),
    snapshot: { index: Number(snapshotIndex), term: Number(snapshotTerm) },
    logBytes: Number(logBytes),
    mvcc: {
      revision: Number(revision),
      ord: Number(ord),
      sequence: Number(sequence),
      compactRevision: Number(compactRevision),
      systemOrd: Number(systemOrd),
      generation: generation === 1 ? 1 : 0,
      recent: recent instanceof Uint8Array ? { first: Number(recentFirst), answers: recent } : null,
    },
    fence: Number(fence),
    // Written by `flush` only.
    sleep: sleep === null ? null : (JSON.parse(String(sleep)) as Sleep),
    writtenAt: Number(writtenAt),
  };
}
