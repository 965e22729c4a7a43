/** The invariants, in an order in which the clearest one speaks first. */
import { BallotLog } from "./ballot-log.ts";
import { CommitRule } from "./commit-rule.ts";
import { CommittedImmutable } from "./committed-immutable.ts";
import { CommittedOnQuorum } from "./committed-on-quorum.ts";
import { ConfigurationSafety } from "./configuration-safety.ts";
import { DurableBeforeSent } from "./durable-before-sent.ts";
import { ElectionSafety } from "./election-safety.ts";
import { EntryTerm } from "./entry-term.ts";
import { LeaderAppendOnly } from "./leader-append-only.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { LogMatching } from "./log-matching.ts";
import { MemoryBounds } from "./memory-bounds.ts";
import type { Invariant } from "./observation.ts";
import { Ordering } from "./ordering.ts";
import { Quiescence } from "./quiescence.ts";
import { ReadFreshness } from "./read-freshness.ts";
import { RejectionAboveCommit } from "./rejection-above-commit.ts";
import { SingleCreator } from "./single-creator.ts";
import { SleepConsent } from "./sleep-consent.ts";
import { SnapshotInstall } from "./snapshot-install.ts";
import { StateMachineSafety } from "./state-machine-safety.ts";
import { VoteOnce } from "./vote-once.ts";

/** New instances: invariants remember. Those that note history come before those that read it. */
export function allInvariants(): Invariant[] {
  return [
    new VoteOnce(),
    new ElectionSafety(),
    new EntryTerm(),
    new Ordering(),
    new LeaderAppendOnly(),
    new SingleCreator(),
    new LogMatching(),
    new CommittedOnQuorum(),
    new CommitRule(),
    new CommittedImmutable(),
    new LeaderCompleteness(),
    new StateMachineSafety(),
    new DurableBeforeSent(),
    new ConfigurationSafety(),
    new SnapshotInstall(),
    new ReadFreshness(),
    new MemoryBounds(),
    new Quiescence(),
    new SleepConsent(),
  ];
}

/**
 * Rules about what is said, for hosts in which no superseded instance still answers from an old
 * memory: in such answers these are broken without harm.
 */
export function conversationInvariants(): Invariant[] {
  return [new BallotLog(), new RejectionAboveCommit()];
}
