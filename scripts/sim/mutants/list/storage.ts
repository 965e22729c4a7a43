/** The state machine's rows, snapshots, compaction. */
import type { Mutant } from "../mutant.ts";

const LOG_TABLE = "src/storage/log-table.ts";
const NEWEST_VERSIONS = "src/mvcc/newest-versions.ts";

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    id: "applied-apart",
    title: "the applied index is stored a turn later than the data",
    known: "etcd #13766 (3.5's data inconsistency), #14685",
    detector: "any",
    edits: [
      {
        file: "src/storage/replica-storage.ts",
        search: "    this.#current.applied = index;\n    this.#current.mvcc = mvcc;",
        replace:
          "    this.#current.applied = Math.max(this.#current.applied, this.#current.snapshot.index, index - 1);\n    this.#current.mvcc = mvcc;",
      },
    ],
  },
  {
    id: "counters-apart",
    title: "the store's counters are stored a turn later than its rows",
    known: "etcd #13766, #14685",
    detector: "any",
    edits: [
      {
        file: "src/engine/turn.ts",
        search: "  let applied = core.applied;\n",
        replace: "  let applied = core.applied;\n  const before = machine.state();\n",
      },
      {
        file: "src/engine/turn.ts",
        search: "storage.setApplied(applied, machine.state());",
        replace: "storage.setApplied(applied, before);",
      },
    ],
  },
  {
    id: "revision-from-rows",
    title: "the revision is derived from the rows, and compaction took the newest of them",
    known: "etcd #17780, #6567",
    detector: "any",
    edits: [
      {
        file: "src/mvcc/state-machine.ts",
        search: "    this.#counters = counters;",
        replace:
          "    const newest = sql.first(`SELECT coalesce(max(main), 1) FROM kv_${state.generation}`);\n" +
          "    this.#counters = { ...counters, revision: Number(newest?.[0]) };",
      },
      {
        file: "src/mvcc/garbage-collector.ts",
        search: "if (isDeletion && integer(row, 1) < revision)",
        replace: "if (isDeletion)",
      },
    ],
  },
  {
    id: "collector-drops-newest",
    title: "compaction deletes the newest version of a key",
    known: "etcd #18089, #19179",
    detector: "any",
    edits: [
      {
        file: "src/mvcc/garbage-collector.ts",
        search: "WHERE key = ? AND ord < ?`",
        replace: "WHERE key = ? AND ord <= ?`",
      },
    ],
  },
  {
    id: "snapshot-not-pinned",
    title: "rows are collected while a snapshot of them is being sent",
    known: "tikv and cockroach: snapshots and garbage collection",
    detector: "any",
    edits: [
      {
        file: "src/engine/machine-host.ts",
        search: "    return this.#machine.pin();",
        replace:
          "    const bounds = this.#machine.pin();\n    this.#machine.unpin(bounds);\n    return bounds;",
      },
    ],
  },
  {
    id: "snapshot-keeps-conflicting-suffix",
    title: "a log longer than the installed snapshot is kept though it conflicts",
    known: "hashicorp/raft #697, #704",
    detector: "core",
    edits: [
      {
        file: "src/raft/log.ts",
        search: "const keepsSuffix = this.matches(point.index, point.term);",
        replace: "const keepsSuffix = this.#last > point.index;",
      },
    ],
  },
  {
    id: "snapshot-lowers-commit",
    title: "a snapshot is installed though the log went past it meanwhile",
    known: "etcd #1763; camunda #6092",
    detector: "any",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "  if (point.index <= core.log.commit) return false;\n",
        replace: "",
      },
    ],
  },
  {
    id: "generation-flipped-late",
    title: "the flip to the installed tables is stored a turn after the snapshot's index",
    known: "etcd #13766; tikv's snapshot application",
    detector: "snapshots",
    edits: [
      {
        file: "src/engine/snapshot-sink.ts",
        search: "    machine.finishImport(answer.state);",
        replace: "    const { generation } = machine.state();\n    machine.finishImport(answer.state);",
      },
      {
        file: "src/engine/snapshot-sink.ts",
        search: "storage.setApplied(point.index, machine.state());",
        replace: "storage.setApplied(point.index, { ...machine.state(), generation });",
      },
    ],
  },
  {
    id: "session-names-repeat",
    title: "snapshot sessions of two leaders, or of two starts, have the same name",
    known: "etcd #10308 (snapshot bookkeeping)",
    detector: "sessions",
    edits: [
      {
        file: "src/engine/snapshot-source.ts",
        search: "id: `${incarnation}.${now}.${this.#opened}`,",
        replace: 'id: incarnation === "" ? "" : String(this.#opened),',
      },
    ],
  },
  {
    id: "session-end-unnoticed",
    title: "a follower whose snapshot session expired is never sent anything again",
    known: "etcd #10308",
    detector: "returns",
    edits: [
      {
        file: "src/engine/engine.ts",
        search: "for (const to of this.#source.expire(this.#now)) this.#raft.snapshotFailed(this.#now, to);",
        replace: "this.#source.expire(this.#now);",
      },
    ],
  },
  {
    id: "log-trimmed-under-session",
    title: "the log that follows a snapshot is deleted while the snapshot is being sent",
    known: "hashicorp/raft's TrailingLogs; etcd's endless snapshots",
    detector: "snapshots",
    edits: [
      {
        file: "src/engine/log-trimmer.ts",
        search: "const target = Math.min(applied - keep, pinnedIndex ?? applied);",
        replace: "const target = Math.min(applied - keep, pinnedIndex === null ? applied : applied);",
      },
    ],
  },
  {
    id: "stale-tail-in-row",
    title: "truncated entries that share a row with older ones stay in it",
    known: "etcd #22442, #10358, in a row of several entries",
    detector: "split",
    edits: [
      {
        file: LOG_TABLE,
        search: "if (before[0] !== undefined) this.#sql.run(CUT_END,",
        replace: "if (before[0] !== undefined && low > high) this.#sql.run(CUT_END,",
      },
    ],
  },
  {
    id: "trimmed-with-its-row",
    title: "trimming the log deletes a row of which the last entries are still needed",
    known: "edged's own: a row holds several entries",
    detector: "snapshots",
    edits: [
      {
        file: LOG_TABLE,
        search: "if (after[0] !== undefined) this.#sql.run(CUT_BEGIN,",
        replace: "if (after[0] !== undefined && low > high) this.#sql.run(CUT_BEGIN,",
      },
    ],
  },
  {
    id: "newest-lives-on",
    title: "a deletion does not reach the newest versions that are remembered",
    known: "edged's own: a cache before the rows",
    detector: "any",
    edits: [
      {
        file: "src/mvcc/kv-table.ts",
        search: "this.#newest?.noteWritten(version);",
        replace: "if (version.version > 0) this.#newest?.noteWritten(version);",
      },
    ],
  },
  {
    id: "newest-shown-to-past",
    title: "a read of an old revision is answered with the newest version",
    known: "edged's own: a cache before the rows",
    detector: "any",
    edits: [
      {
        file: NEWEST_VERSIONS,
        search: "if (version === undefined || version.ord > bound) return undefined;",
        replace: "if (version === undefined) return undefined;",
      },
    ],
  },
  {
    id: "past-remembered-as-newest",
    title: "what is read as of an old revision is remembered as the newest version",
    known: "edged's own: a cache before the rows",
    detector: "any",
    edits: [
      {
        file: NEWEST_VERSIONS,
        search: "if (bound < this.#newestOrd || key.length",
        replace: "if (key.length",
      },
    ],
  },
  {
    id: "value-not-remembered-is-empty",
    title: "a version that is remembered without its value is answered as if that was empty",
    known: "edged's own: a cache before the rows",
    detector: "any",
    edits: [
      {
        file: NEWEST_VERSIONS,
        search: "if (withValue) return version.value === null ? undefined : version;",
        replace: "if (withValue) return version;",
      },
    ],
  },
];
