/** Linearizable reads. */
import type { Mutant } from "../mutant.ts";

export const READ_MUTANTS: readonly Mutant[] = [
  {
    id: "read-without-quorum",
    title: "a leader answers reads without asking whether it still leads",
    known: "thesis 6.4; etcd #20418",
    detector: "core",
    edits: [
      {
        file: "src/raft/read-index.ts",
        search: "  const confirmed = confirmedRound(core);\n  const roundIsOut",
        replace:
          "  core.reads.push({ id, index: core.log.commit });\n  if (id > 0) return;\n  const confirmed = confirmedRound(core);\n  const roundIsOut",
      },
    ],
  },
  {
    id: "read-stale-round",
    title: "a round begun before the read confirms it",
    known: "etcd #20418, #21375 (a stale read context)",
    detector: "core",
    edits: [
      {
        file: "src/raft/read-index.ts",
        search: "core.pendingReads.push({ id, index: core.log.commit, round: core.readRound + 1 });",
        replace: "core.pendingReads.push({ id, index: core.log.commit, round: core.readRound });",
      },
    ],
  },
  {
    id: "read-before-own-term",
    title: "a new leader answers reads before an entry of its own term is committed",
    known: "thesis 6.4; etcd's TestReadOnlyForNewLeader",
    detector: "core",
    edits: [
      {
        file: "src/raft/read-index.ts",
        search: "return core.log.commit >= core.termStartIndex;",
        replace: "return core.log.commit >= 0;",
      },
    ],
  },
  {
    id: "read-joins-question",
    title: "a read joins a question to the leader that left before it",
    known: "etcd #21375, #21399",
    detector: "delays",
    edits: [
      {
        file: "src/engine/reads.ts",
        search: "    this.#next.push({ expiresAt, minRevision, settle, cameAt: now });",
        replace: "    (this.#question?.reads ?? this.#next).push({ expiresAt, minRevision, settle, cameAt: now });",
      },
    ],
  },
  {
    id: "read-not-waiting-for-apply",
    title: "a read is answered before its index is applied",
    known: "thesis 6.4, step 4",
    detector: "delays",
    edits: [
      {
        file: "src/engine/reads.ts",
        search: "else this.#waiting.push({ ...read, index });",
        replace: "else this.#waiting.push({ ...read, index: 0 });",
      },
    ],
  },
  {
    id: "read-survives-leadership",
    title: "reads that wait are let go when leadership is lost, as if confirmed",
    known: "thesis 6.4",
    detector: "core",
    edits: [
      {
        file: "src/raft/roles.ts",
        search: "core.reads.push({ id: read.id, index: null });",
        replace: "core.reads.push({ id: read.id, index: read.index });",
      },
    ],
  },
];
