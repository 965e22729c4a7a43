/** The log: appending, truncating, committing. */
import type { Mutant } from "../mutant.ts";

export const REPLICATION_MUTANTS: readonly Mutant[] = [
  {
    id: "commit-old-term",
    title: "an entry of an older term is committed by counting its copies",
    known: "paper 5.4.2, figure 8",
    detector: "split",
    edits: [
      {
        file: "src/raft/replication.ts",
        search: "if (index <= core.log.commit || core.log.term(index) !== core.term) return;",
        replace: "if (index <= core.log.commit) return;",
      },
    ],
  },
  {
    id: "truncate-on-match",
    title: "a late append deletes what follows it, though nothing conflicts",
    known: "openraft, August 2021; paper 5.3",
    detector: "delays",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "(entry) => entry.index > log.commit && !log.matches(entry.index, entry.term),",
        replace: "(entry) => entry.index > log.commit,",
      },
    ],
  },
  {
    id: "no-truncation",
    title: "entries that conflict with the leader's stay",
    known: "paper 5.3",
    detector: "split",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "(entry) => entry.index > log.commit && !log.matches(entry.index, entry.term),",
        replace: "(entry) => entry.index > log.last,",
      },
    ],
  },
  {
    id: "ghost-entries",
    title: "truncated entries are in the log again after a restart",
    known: "etcd #22442, #10358",
    detector: "crashes",
    edits: [
      {
        file: "src/storage/replica-storage.ts",
        search:
          "    this.#log.delete(index, Number.MAX_SAFE_INTEGER);\n    this.#configurations.truncateFrom(index);",
        replace: "    this.#configurations.truncateFrom(index);",
      },
      {
        file: "src/storage/log-table.ts",
        search: '"INSERT INTO log (idx,',
        replace: '"INSERT OR REPLACE INTO log (idx,',
      },
    ],
  },
  {
    id: "append-commit-unbounded",
    title:
      "a follower commits what its leader committed, though its own log was compared only up to the append's end",
    known: "paper 5.3 (leaderCommit and the last new entry)",
    detector: "core",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "log.maybeCommit(Math.min(message.commit, lastSent));",
        replace: "log.maybeCommit(Math.min(message.commit, log.last));",
      },
    ],
  },
  {
    id: "heartbeat-commit-unbounded",
    title: "a heartbeat commits entries that were not compared with the leader's",
    known: "etcd-io/raft #138 and lagging_commit.txt",
    detector: "split",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "if (matches) log.maybeCommit(Math.min(message.commit, message.lastIndex));",
        replace: "log.maybeCommit(Math.min(message.commit, log.last));",
      },
    ],
  },
  {
    id: "acknowledges-whole-log",
    title: "a follower acknowledges all of its log, not what the append compared",
    known: "paper 5.3 (matchIndex)",
    detector: "core",
    edits: [
      {
        file: "src/raft/follower.ts",
        search: "acknowledge(core, from, message.round, lastSent);",
        replace: "acknowledge(core, from, message.round, log.last);",
      },
    ],
  },
  {
    id: "compacted-previous-conflicts",
    title: "an append that begins below the compacted log counts as a conflict",
    known: "openraft, August 2022",
    detector: "core",
    edits: [
      {
        file: "src/raft/follower.ts",
        search:
          "if (message.previousIndex >= log.commit && !log.matches(message.previousIndex, message.previousTerm)) {",
        replace: "if (!log.matches(message.previousIndex, message.previousTerm)) {",
      },
    ],
  },
  {
    id: "window-ignored",
    title: "appends are sent however many are out",
    known: "etcd's MaxInflightMsgs; memory of a leader with a slow follower",
    detector: "tight",
    edits: [
      {
        file: "src/raft/inflights.ts",
        search: "return this.#sent.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;",
        replace: "return this.#sent.length > 1_000_000 * (this.#messagesMax + this.#bytesMax);",
      },
    ],
  },
  {
    id: "uncommitted-unbounded",
    title: "a leader without a quorum takes writes for ever",
    known: "etcd's MaxUncommittedEntriesSize",
    detector: "tight",
    edits: [
      {
        file: "src/raft/leader.ts",
        search:
          "if (core.uncommittedBytes > 0 && core.uncommittedBytes + data.length > core.options.uncommittedBytesMax) {",
        replace: "if (core.uncommittedBytes < 0) {",
      },
    ],
  },
  {
    id: "rejection-storm",
    title: "every repeated rejection is acted on",
    known: "the probing storm of message duplication; etcd's MaybeDecrTo",
    detector: "core",
    edits: [
      {
        file: "src/raft/progress.ts",
        search: "    if (previousIndex !== this.next - 1) return false;\n",
        replace: "",
      },
    ],
  },
  {
    id: "vouches-before-storing",
    title: "a leader that stores its commands later vouches for the end of its log before it has",
    known: "thesis 10.2.1; the rule that what is said must be stored",
    detector: "core",
    edits: [
      {
        file: "src/raft/raft.ts",
        search: "slept === null && core.after.length === 0 && mayStoreLater(core)",
        replace: "slept === null && mayStoreLater(core)",
      },
    ],
  },
];
