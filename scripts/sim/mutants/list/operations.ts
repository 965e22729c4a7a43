/** Clients' writes: once, or certainly not, or unknown. */
import type { Mutant } from "../mutant.ts";

const PROPOSALS = "src/engine/proposals.ts";
const ROUTER = "src/gateway/leader-router.ts";

export const OPERATION_MUTANTS: readonly Mutant[] = [
  {
    id: "retry-new-id",
    title: "the gateway gives each attempt of a write an id of its own",
    known: "thesis 6.3; the usual client library",
    detector: "any",
    edits: [
      {
        file: ROUTER,
        search: "        command,\n        mayForward: true,",
        replace: "        command: write.encode(write.operationId(), seen),\n        mayForward: true,",
      },
    ],
  },
  {
    id: "unknown-forgotten",
    title: "the last attempt decides whether an outcome is known",
    known: "Jepsen's first rule: indeterminate stays indeterminate",
    detector: "outages",
    edits: [
      {
        file: ROUTER,
        search: "unknown ||= reply.unknownOutcome;",
        replace: "unknown = reply.unknownOutcome;",
      },
    ],
  },
  {
    id: "fresh-id-after-unknown",
    title:
      "a write whose outcome is unknown is sent once more under a fresh id when its own is refused as too old",
    known: "thesis 6.3 (sessions that expire)",
    detector: "forgetful",
    edits: [
      {
        file: ROUTER,
        search: "if (unknown || reply.header === null || remints >= REMINTS_MAX) break;",
        replace: "if (reply.header === null || remints >= REMINTS_MAX) break;",
      },
    ],
  },
  {
    id: "repetition-refused-early",
    title: "a write that its client repeats is refused for an alarm, though it may have been applied before",
    known: "thesis 6.3: one answer an operation",
    detector: "repeated",
    edits: [
      {
        file: ROUTER,
        search: "throughLog: unknown || write.mayRepeat === true",
        replace: "throughLog: unknown",
      },
    ],
  },
  {
    id: "forward-timeout-is-failure",
    title: "a forwarded write without an answer counts as not applied",
    known: "etcd's ErrTimeout family",
    detector: "any",
    edits: [
      {
        file: "src/engine/client-writes.ts",
        search: 'unavailable("timeout", silence, context.header(), true)',
        replace: 'unavailable("timeout", silence, context.header(), false)',
      },
    ],
  },
  {
    id: "step-down-is-failure",
    title: "entries of a leader that steps down count as lost, though they may be committed by the next one",
    known: "hashicorp/raft's ErrLeadershipLost taken for a refusal",
    detector: "overtaken",
    edits: [
      {
        file: PROPOSALS,
        search: '    for (const proposal of queue) settleOnce(proposal, { kind: "lost" });',
        replace:
          '    for (const proposal of queue) settleOnce(proposal, { kind: "lost" });\n' +
          '    for (const { proposals } of this.#inFlight) for (const p of proposals) settleOnce(p, { kind: "lost" });',
      },
    ],
  },
  {
    id: "other-term-is-success",
    title: "whatever is committed at a proposal's index counts as that proposal",
    known: "paper 8; every first implementation of Raft",
    detector: "deposed",
    edits: [
      {
        file: PROPOSALS,
        search: "const own = batch.index === index && batch.term === term;",
        replace: "const own = batch.index === index && term > 0;",
      },
    ],
  },
  {
    id: "expired-is-failure",
    title: "a write in the log whose time is over counts as not applied",
    known: "Jepsen: timeouts reported as failures",
    detector: "any",
    edits: [
      {
        file: PROPOSALS,
        search: 'if (proposal.expiresAt <= now) settleOnce(proposal, { kind: "unknown" });',
        replace: 'if (proposal.expiresAt <= now) settleOnce(proposal, { kind: "expired" });',
      },
    ],
  },
  {
    id: "snapshot-is-failure",
    title: "writes that a snapshot replaced count as not applied",
    known: "paper 7 and 8",
    detector: "overtaken",
    edits: [
      {
        file: PROPOSALS,
        search: 'for (const proposal of batch.proposals) settleOnce(proposal, { kind: "unknown" });',
        replace: 'for (const proposal of batch.proposals) settleOnce(proposal, { kind: "lost" });',
      },
    ],
  },
  {
    id: "no-deduplication",
    title: "a retry is run again though its id is remembered",
    known: "thesis 6.3",
    detector: "any",
    edits: [
      {
        file: "src/mvcc/state-machine.ts",
        search: "if (recalled !== null) return recalled;",
        replace: "if (recalled !== null && sequence < 0) return recalled;",
      },
    ],
  },
  {
    id: "seen-ignored",
    title: "a retry older than the memory of operations is run again",
    known: "thesis 6.3 (an expired session must not be made anew)",
    detector: "snapshots",
    edits: [
      {
        file: "src/mvcc/operation-memory.ts",
        search: "if (seen + LIMITS.dedupOperationsMax <= sequence) return",
        replace: "if (seen + LIMITS.dedupOperationsMax <= 0 - sequence) return",
      },
    ],
  },
  {
    id: "memory-not-in-snapshot",
    title: "a snapshot leaves the remembered operations out",
    known: "thesis 6.3 and 5; openraft's and dragonboat's session stores",
    detector: "snapshots",
    edits: [
      {
        file: "src/mvcc/snapshot.ts",
        search: 'if (cursor.table === "kv") return { table: "dedup", after: -1 };',
        replace: 'if (cursor.table === "kv") return { table: "system", after: 0 };',
      },
    ],
  },
  {
    id: "recent-in-memory-only",
    title: "answers that have no row yet are lost with the memory of the replica",
    known: "thesis 6.3: the session's state is part of the state machine",
    detector: "crashes",
    edits: [
      {
        file: "src/storage/replica-storage.ts",
        search: "      recent?.answers ?? null,",
        replace: "      recent === null ? null : null,",
      },
    ],
  },
  {
    id: "recent-lost-when-moved",
    title: "the row for answers that are many gets those of the last entry only",
    known: "edged's own: answers gather before they get a row",
    detector: "forgetful",
    edits: [
      {
        file: "src/mvcc/operation-memory.ts",
        search: "this.#sql.run(this.#statements.insert, first, answers);",
        replace: "this.#sql.run(this.#statements.insert, first, newer);",
      },
    ],
  },
  {
    id: "recent-not-in-snapshot",
    title: "a snapshot leaves out the answers that have no row yet",
    known: "thesis 6.3 and 5; openraft's and dragonboat's session stores",
    detector: "snapshots",
    edits: [
      {
        file: "src/mvcc/snapshot.ts",
        search: "rows.push([recent.first, recent.answers]);",
        replace: "rows.push();",
      },
    ],
  },
  {
    id: "later-answers-in-snapshot",
    title: "a snapshot has answers to later commands, which its receiver then does not run",
    known: "edged's own: what is recent shares a row with what comes later",
    detector: "snapshots",
    edits: [
      {
        file: "src/mvcc/snapshot.ts",
        search: "return (state.recent?.first ?? state.sequence) - 1;",
        replace: "return state.sequence - 1;",
      },
      {
        file: "src/mvcc/snapshot.ts",
        search: 'if (cursor.table === "dedup" && next?.table !== "dedup" && recent !== null)',
        replace:
          'if (cursor.table === "dedup" && next?.table !== "dedup" && recent !== null && rows.at(-1)?.[0] !== recent.first)',
      },
    ],
  },
];
