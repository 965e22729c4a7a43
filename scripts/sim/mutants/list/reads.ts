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
        replace:
          "    (this.#question?.reads ?? this.#next).push({ expiresAt, minRevision, settle, cameAt: now });",
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
  {
    id: "lone-read-without-fence",
    title: "a lone voter answers reads without a write that shows that it is still the one",
    known: "Durable Objects: an instance that was superseded may not notice",
    detector: "alone",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "    if (this.#isLone) {\n      storage.fence();",
        replace: "    if (this.#isLone && this.#ids < 0) {\n      storage.fence();",
      },
    ],
  },
  {
    id: "lone-read-joins-fence",
    title: "a read that comes while a lone voter's fence is being written is answered by that one",
    known: "etcd #21375, #21399, for a voter that asks nobody",
    detector: "alone",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "      this.#gathered = answered;",
        replace: "      answered(raft.core.log.commit);",
      },
    ],
  },
  {
    id: "lone-voter-with-learner-unfenced",
    title: "a voter whose only company is a learner confirms reads by itself, without a write",
    known: "edged's own: a learner counts for no quorum",
    detector: "alone",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "    return [...voters, ...votersOutgoing].every((id) => id === core.id);",
        replace:
          "    return core.progress.size === 0 && [...voters, ...votersOutgoing].every((id) => id === core.id);",
      },
    ],
  },
  {
    id: "staleness-from-answer",
    title: "how old a follower's state is counts from its leader's answer, not from the question",
    known: "edged's own: what was acknowledged while the answer was on its way is not in it",
    detector: "bounded",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "this.#confirmed.confirm(asked.inquiry, ",
        replace: "this.#confirmed.confirm(this.#confirmed.ask(this.#context.now), ",
      },
    ],
  },
  {
    id: "staleness-of-unapplied",
    title: "a confirmed index counts before it is applied",
    known: "thesis 6.4, step 4",
    detector: "lagging",
    edits: [
      {
        file: "src/engine/confirmed-index.ts",
        search: "if (index <= applied) this.#coveredAt",
        replace: "if (applied >= 0) this.#coveredAt",
      },
    ],
  },
  {
    id: "staleness-survives-clock",
    title: "what was confirmed before the clock was set back counts as if no time had passed",
    known: "Durable Objects: Date.now is the machine's",
    detector: "bounded",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "    this.#confirmed.forget();",
        replace: "",
      },
    ],
  },
];
