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
  {
    id: "ballot-while-probing",
    title: "who was woken grants ballots before it is known whether the leader lives",
    known: "thesis 4.2.3; whoever cannot reach a leader that others can",
    detector: "mild",
    edits: [
      {
        file: "src/raft/election.ts",
        search: "if (core.isProbing && core.now",
        replace: "if (core.isProbing && core.probedAt < 0 && core.now",
      },
    ],
  },
  {
    id: "probe-never-ends",
    title: "a learner that was woken refuses ballots until its leader speaks, though that leads no more",
    known: "edged's own: found by its fuzzer",
    detector: "core",
    edits: [
      {
        file: "src/raft/election.ts",
        search: "const PROBE_ELECTIONS = 2;",
        replace: "const PROBE_ELECTIONS = 2_000_000;",
      },
    ],
  },
  {
    id: "wake-in-the-past",
    title:
      "a write wakes its replica at the time at which that fell asleep, and the election timer has long been over",
    known: "edged's own: found by its simulator",
    detector: "mild",
    edits: [
      {
        file: "src/engine/client-writes.ts",
        search: "context.turn(now, () => context.raft.wake(now));",
        replace: "context.turn(context.now, () => context.raft.wake(context.now));",
      },
    ],
  },
  {
    id: "wake-without-probe",
    title: "who is woken campaigns at once, though its leader only sleeps",
    known: "CockroachDB: waking a range must not cost an election",
    detector: "sleepers",
    edits: [
      {
        file: QUIESCENCE,
        search: "  core.leaveSleep();\n  probe(core);\n}",
        replace: "  core.leaveSleep();\n  startPreVote(core);\n}",
      },
    ],
  },
  {
    id: "woken-alone-campaigns",
    title: "who was woken by a late message misses its leader, which sleeps",
    known: "edged's own: found by its simulator",
    detector: "core",
    edits: [
      {
        file: QUIESCENCE,
        search: "const isAlone = sleptOver?.index === log.last && sleptOver.term === term;",
        replace: "const isAlone = sleptOver?.index === -1 && log.last < 0 && term < 0;",
      },
    ],
  },
  {
    id: "failed-probe-waits",
    title: "who finds its leader gone waits for a timer before it replaces it",
    known: "edged's own: waking must not cost an election timeout",
    detector: "core",
    edits: [
      {
        file: QUIESCENCE,
        search: "  becomeFollower(core, core.term, null);\n  startPreVote(core);\n}",
        replace: "  becomeFollower(core, core.term, null);\n}",
      },
    ],
  },
  {
    id: "read-wakes",
    title: "a read that a replica answers by itself wakes the group",
    known: "edged's own: health checks and stale reads must not keep a group awake",
    detector: "sleepers",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: '      context.answerAt(now, () => answerWith({ kind: "ready" }));',
        replace:
          "      context.turn(now, () => context.raft.wake(now));\n" +
          '      context.answerAt(now, () => answerWith({ kind: "ready" }));',
      },
    ],
  },
  {
    id: "idle-turn-writes",
    title: "a read takes a turn, and a turn in which nothing changed writes the bookkeeping row",
    known: "edged's own: rows are what is paid for",
    detector: "sleepers",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: '      context.answerAt(now, () => answerWith({ kind: "ready" }));',
        replace:
          "      context.turn(now, () => undefined);\n" +
          '      context.answerAt(now, () => answerWith({ kind: "ready" }));',
      },
      {
        file: "src/engine/turn.ts",
        search: "  while (inside === null && met.length === 0 &&",
        replace: "  while (after.length < 0 && inside === null && met.length === 0 &&",
      },
      {
        file: "src/storage/replica-storage.ts",
        search: "    if (!this.#dirty) return;\n",
        replace: "",
      },
    ],
  },
  {
    id: "alarm-left-asleep",
    title: "the alarm stays set when there is nothing left to do",
    known: "Durable Objects: an alarm loads its object, and both are paid for",
    detector: "sleepers",
    edits: [
      {
        file: "src/durable/timers.ts",
        search: "    if (wanted === null) {\n      this.#clearAlarm();\n",
        replace: "    if (wanted === null) {\n      if (backstopMs < 0) this.#clearAlarm();\n",
      },
    ],
  },
  {
    id: "away-keeps-awake",
    title: "a member that is away keeps all others awake",
    known: "CockroachDB: quiescence with dead replicas",
    detector: "sleepers",
    edits: [
      {
        file: SLEEP,
        search:
          "return core.now - (progress.heardAt ?? progress.trackedAt) > AWAY_ELECTIONS * core.options.electionMs;",
        replace: "return progress.match < 0 && AWAY_ELECTIONS * core.options.electionMs < 0;",
      },
    ],
  },
  {
    id: "away-forgotten",
    title: "a member that was away when the others fell asleep is never looked for",
    known: "edged's own: who is back knows of nothing that it missed",
    detector: "sleepers",
    edits: [
      {
        file: SLEEP,
        search: "core.repairAt = someAway ? core.now + core.repairMs : null;",
        replace: "core.repairAt = null;",
      },
    ],
  },
  {
    id: "sleep-ends-no-lease",
    title: "a leader that sleeps sets no alarm for the leases that will end",
    known: "edged's own: leases outstanding keep exactly one alarm",
    detector: "leases",
    edits: [
      {
        file: "src/durable/replica-host.ts",
        search: "?? null, lasting);",
        replace: "?? null, this.#engine?.raft.core.isAsleep === true ? null : lasting);",
      },
    ],
  },
];
