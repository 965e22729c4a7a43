/** Changes of membership and transfers of leadership: of the core, then of the records that it follows. */
import type { Mutant } from "../mutant.ts";

const CONFIGURATIONS = "src/raft/configuration-log.ts";

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    id: "joint-commit-counted-once",
    title: "a joint configuration commits with a majority of the new half",
    known: "paper 6",
    detector: "core",
    edits: [
      {
        file: "src/raft/quorum.ts",
        search:
          "  return Math.min(\n    majorityReached(configuration.voters, reached),\n    majorityReached(configuration.votersOutgoing, reached),\n  );",
        replace: "  return majorityReached(configuration.voters, reached);",
      },
    ],
  },
  {
    id: "joint-vote-counted-once",
    title: "a joint configuration elects with a majority of the new half",
    known: "paper 6",
    detector: "core",
    edits: [
      {
        file: "src/raft/quorum.ts",
        search: "const outgoing = majorityVote(configuration.votersOutgoing, votes);",
        replace: "const outgoing = majorityVote([], votes);",
      },
    ],
  },
  {
    id: "configuration-at-apply",
    title: "a configuration is in force once it is applied, not from its entry on",
    known: "etcd #7625, #7280, #12133; etcd-io/raft #456, #469",
    detector: "core",
    edits: [
      {
        file: CONFIGURATIONS,
        search: "    return this.latest.configuration;",
        replace: "    return this.at(this.#applied).configuration;",
      },
      {
        file: CONFIGURATIONS,
        search: "  #history: ConfigurationAt[];\n",
        replace: "  #history: ConfigurationAt[];\n  #applied = 0;\n",
      },
      {
        file: CONFIGURATIONS,
        search: "    this.#history = [...history];",
        replace: "    this.#history = [...history];\n    this.#applied = history[0]?.index ?? 0;",
      },
      {
        file: CONFIGURATIONS,
        search: "  applied(index: number): void {",
        replace: "  applied(index: number): void {\n    this.#applied = index;",
      },
      {
        file: CONFIGURATIONS,
        search: "  reset(at: ConfigurationAt, keepAbove: number): void {",
        replace: "  reset(at: ConfigurationAt, keepAbove: number): void {\n    this.#applied = at.index;",
      },
    ],
  },
  {
    id: "configuration-not-rolled-back",
    title: "a truncated configuration entry leaves its configuration in force",
    known: "thesis 4.1; hashicorp/raft's configurations.latest",
    detector: "core",
    edits: [
      { file: "src/raft/follower.ts", search: "    configurations.truncateFrom(from);\n", replace: "" },
    ],
  },
  {
    id: "two-changes-at-once",
    title: "a change of membership begins before the one before is committed",
    known: "thesis 4.1; Ongaro on raft-dev, July 2015",
    detector: "core",
    edits: [
      {
        file: "src/raft/leader.ts",
        search: "if (latestIndex > core.log.commit || core.log.commit < core.termStartIndex)",
        replace: "if (latestIndex < 0 && core.log.commit < core.termStartIndex)",
      },
    ],
  },
  {
    id: "joint-never-left",
    title: "nobody leaves a joint configuration after its leader changed",
    known: "etcd's confchange_v2_add_double_auto",
    detector: "core",
    edits: [
      {
        file: "src/raft/replication.ts",
        search: "  if (isJoint(configuration)) {",
        replace: "  if (isJoint(configuration) && index >= core.termStartIndex) {",
      },
    ],
  },
  {
    id: "learner-counted",
    title: "learners count for commit",
    known: "thesis 4.2.1",
    detector: "core",
    edits: [
      {
        file: "src/raft/quorum.ts",
        search: "    majorityReached(configuration.voters, reached),\n",
        replace: "    majorityReached([...configuration.voters, ...configuration.learners], reached),\n",
      },
    ],
  },
  {
    id: "removed-too-early",
    title: "a member is told that it was removed before a committed configuration is without it",
    known: "edged's own: what keeps its removed members quiet",
    detector: "members",
    edits: [
      {
        file: "src/engine/member-changes.ts",
        search: "return possible.every(({ configuration }) => !allMembers(configuration).includes(id));",
        replace: "return possible.length > 0 && allMembers(core.configurations.current).length > 0;",
      },
    ],
  },
  {
    id: "removed-not-told",
    title: "a member that was away while it was removed asks for votes for ever",
    known: "thesis 4.2.3",
    detector: "members",
    edits: [
      {
        file: "src/engine/standing.ts",
        search: "if (changes.isRemoved(address.from)) {",
        replace: 'if (changes.isRemoved("")) {',
      },
    ],
  },
  {
    id: "records-older-than-configuration",
    title: "a new leader makes the configuration follow records that are older than it",
    known: "edged's own: records and configuration are applied at different times",
    detector: "successors",
    edits: [
      {
        file: "src/engine/member-changes.ts",
        search:
          "if (membership.version === 0 || index > core.applied || isJoint(configuration)) return null;",
        replace: "if (membership.version === 0 || index < 0 || isJoint(configuration)) return null;",
      },
    ],
  },
  {
    id: "recorded-change-left",
    title: "a new leader does not carry on a change of members that is on record",
    known: "edged's own; etcd's confchange_v2_add_double_auto asks the same of the core",
    detector: "successors",
    edits: [
      {
        file: "src/engine/member-changes.ts",
        search: "    const target = this.#nextTarget();",
        replace: "    const target = this.#settling.length > 0 ? this.#nextTarget() : null;",
      },
    ],
  },
  {
    id: "transfer-never-ends",
    title: "a transfer that did not come about keeps proposals out for ever",
    known: "thesis 3.10; etcd's abortLeaderTransfer",
    detector: "core",
    edits: [
      {
        file: "src/raft/leader.ts",
        search: "if (core.transferAt !== null && core.now >= core.transferAt) abortTransfer(core);",
        replace: "if (core.transferAt !== null && core.now < 0) abortTransfer(core);",
      },
    ],
  },
];
