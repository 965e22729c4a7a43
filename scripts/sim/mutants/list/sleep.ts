/** Falling asleep, sleeping, and waking: what nobody pays for and nobody waits for. */
import type { Mutant } from "../mutant.ts";

const QUIESCENCE = "src/raft/quiescence.ts";
const SLEEP = "src/raft/sleep.ts";

export const SLEEP_MUTANTS: readonly Mutant[] = [
  {
    id: "sleep-without-consent",
    title: "a group falls asleep though not all of its members have agreed",
    known: "CockroachDB #14210 (quiescence with followers that do not know)",
    detector: "core",
    edits: [{ file: QUIESCENCE, search: "const complete = [", replace: "const complete = true || [" }],
  },
  {
    id: "sleep-without-quorum",
    title: "a leader falls asleep with those that are there, be they no quorum",
    known: "thesis 6.2: a leader that no quorum hears is none",
    detector: "core",
    edits: [
      {
        file: QUIESCENCE,
        search: "if (complete && backed) fallAsleep",
        replace: "if (complete || (complete && backed)) fallAsleep",
      },
    ],
  },
  {
    id: "sleep-over-gap",
    title: "a follower agrees to sleep without having all of the log",
    known: "CockroachDB: only replicas that are up to date may quiesce",
    detector: "core",
    edits: [
      {
        file: QUIESCENCE,
        search:
          "const matches = log.last === message.index && log.matches(message.index, message.indexTerm);",
        replace: "const matches = log.last >= message.index;",
      },
    ],
  },
  {
    id: "sleep-before-applied",
    title: "a leader falls asleep with committed entries that it has not applied",
    known: "edged's own: who sleeps has nothing left to do",
    detector: "core",
    edits: [{ file: SLEEP, search: " || core.applied !== log.last) return", replace: ") return" }],
  },
  {
    id: "sleep-loses-round",
    title:
      "a leader that slept counts its rounds of reads anew, and answers of its earlier life confirm them",
    known: "etcd #20418, #21375 (a stale read context)",
    detector: "core",
    edits: [{ file: QUIESCENCE, search: "  core.readRound = sleep.round;\n", replace: "" }],
  },
  {
    id: "sleep-of-other-term",
    title: "the note of a sleep outlives its term, and who wakes leads a term that it was not elected for",
    known: "openraft's leader restore",
    detector: "core",
    edits: [
      {
        file: "src/raft/core.ts",
        search: "    this.repairAt = null;\n    this.#slept = { sleep: null };",
        replace: "    this.repairAt = null;",
      },
      {
        file: QUIESCENCE,
        search:
          '  assert(core.vote === core.id && core.leaderCanResume, "the note of a leader that may not lead on");\n',
        replace: "",
      },
    ],
  },
];
