/** Terms, votes and who may lead. */
import type { Mutant } from "../mutant.ts";

export const ELECTION_MUTANTS: readonly Mutant[] = [
  {
    id: "vote-not-stored",
    title: "the vote is kept in memory only",
    known: "paper 5.1; camunda #1068, #5356",
    detector: "any",
    edits: [
      { file: "src/storage/replica-storage.ts", search: "meta.vote = vote;", replace: "meta.vote = null;" },
    ],
  },
  {
    id: "answer-before-write",
    title: "votes and acknowledgements leave before the transaction",
    known: "paper 5.1; etcd #14370; openraft's io_ordering",
    detector: "any",
    edits: [
      {
        file: "src/engine/turn.ts",
        search: "  parts.send(effects.first);\n  const after: Outgoing[] = [...effects.after];",
        replace: "  parts.send([...effects.first, ...effects.after]);\n  const after: Outgoing[] = [];",
      },
    ],
  },
  {
    id: "term-not-stored",
    title: "a new term is stored only together with a vote",
    known: "tikv #3572",
    detector: "any",
    edits: [
      {
        file: "src/raft/core.ts",
        search: "    this.#vote = null;\n    this.#hardStateChanged = true;",
        replace: "    this.#vote = null;",
      },
    ],
  },
  {
    id: "vote-cleared-on-step-down",
    title: "stepping down within a term clears the vote",
    known: "CCF #8091",
    detector: "split",
    edits: [
      {
        file: "src/raft/core.ts",
        search: "  voteFor(id: NodeId): void {",
        replace: "  forgetVote(): void {\n    this.#vote = null;\n  }\n\n  voteFor(id: NodeId): void {",
      },
      {
        file: "src/raft/roles.ts",
        search: "if (term > core.term) core.enterTerm(term);",
        replace: "if (term > core.term) core.enterTerm(term);\n  else core.forgetVote();",
      },
    ],
  },
  {
    id: "vote-without-log-check",
    title: "a vote is granted to a log that lacks entries",
    known: "paper 5.4.1",
    detector: "core",
    edits: [
      {
        file: "src/raft/election.ts",
        search: "const granted = free && core.log.isUpToDate(message.lastIndex, message.lastTerm);",
        replace: "const granted = free;",
      },
    ],
  },
  {
    id: "log-check-by-length",
    title: "the longer log wins, whatever its last term",
    known: "paper 5.4.1",
    detector: "core",
    edits: [
      {
        file: "src/raft/log.ts",
        search: "return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.#last);",
        replace: "return lastIndex >= this.#last && ownTerm >= 0 && lastTerm >= 0;",
      },
    ],
  },
  {
    id: "resume-leadership",
    title:
      "a leader that lost its memory goes on leading in the same term, after entries it sent first were lost",
    known: "thesis 10.2.1; CCF",
    detector: "crashes",
    edits: [
      {
        file: "src/raft/raft.ts",
        search: "  tickLeader,\n} from",
        replace: "  tickLeader,\n  becomeLeader,\n} from",
      },
      {
        file: "src/raft/raft.ts",
        search: "    } else {\n      this.core.armElection();\n    }\n  }",
        replace:
          "    } else {\n      this.core.armElection();\n    }\n" +
          "    if (boot.term > 0 && boot.vote === id && this.core.log.lastTerm === boot.term) {\n" +
          '      this.core.role = "candidate";\n      becomeLeader(this.core);\n    }\n  }',
      },
    ],
  },
  {
    id: "refusal-term-ignored",
    title: "a refused asker does not adopt the term of the refusal",
    known: "etcd #8243, #8501; canonical/raft #279; openraft #1796, #2117",
    detector: "core",
    edits: [
      {
        file: "src/raft/raft.ts",
        search:
          "        if (message.preVote && message.granted) return true;\n        becomeFollower(core, message.term, null);",
        replace: "        if (message.preVote && message.granted) return true;",
      },
    ],
  },
  {
    id: "pre-vote-without-log-check",
    title: "a pre-vote is granted to a log that lacks entries",
    known: "thesis 9.6",
    detector: "core",
    edits: [
      {
        file: "src/raft/election.ts",
        search:
          "message.term > core.term && !isSticky(core) && core.log.isUpToDate(message.lastIndex, message.lastTerm);",
        replace: "message.term > core.term && !isSticky(core);",
      },
    ],
  },
  {
    id: "not-sticky",
    title: "a follower that hears its leader grants ballots to others",
    known: "etcd #9333; Cloudflare's outage of November 2020",
    detector: "mild",
    edits: [
      {
        file: "src/raft/election.ts",
        search: "return core.now - core.leaderHeardAt < core.options.electionMs;",
        replace: "return false;",
      },
    ],
  },
  {
    id: "no-check-quorum",
    title: "a leader that hears nobody goes on leading",
    known: "thesis 6.2; etcd's CheckQuorum",
    detector: "mild",
    edits: [
      {
        file: "src/raft/leader.ts",
        search: "if (!hearsQuorum(core)) {",
        replace: "if (!hearsQuorum(core) && core.now < 0) {",
      },
    ],
  },
  {
    id: "no-pre-vote",
    title: "a node that hears no leader enters the next term without asking around",
    known: "thesis 9.6; etcd's PreVote; every node that came back from a partition",
    detector: "mild",
    edits: [
      {
        file: "src/raft/election.ts",
        search: "  becomePreCandidate(core);\n  core.votes",
        replace:
          "  if (core.promotable) {\n    startElection(core, false);\n    return;\n  }\n  becomePreCandidate(core);\n  core.votes",
      },
    ],
  },
  {
    id: "waking-not-stored-first",
    title:
      "a leader that slept sends before it is stored that it woke, and leads on after it lost that memory",
    known: "openraft's leader restore; the paper's rule that what is said must be stored",
    detector: "sleepers",
    edits: [
      {
        file: "src/raft/raft.ts",
        search: "const isHeldBack = changed || slept !== null;",
        replace: "const isHeldBack = changed;",
      },
    ],
  },
  {
    id: "sleep-note-outlives-waking",
    title: "the note of having fallen asleep as leader stays when the leader wakes",
    known: "openraft's leader restore",
    detector: "core",
    edits: [
      {
        file: "src/raft/core.ts",
        search: "    this.repairAt = null;\n    this.#slept = { sleep: null };",
        replace: "    this.repairAt = null;",
      },
    ],
  },
];
